import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import tagging
from gallery.models import Generation, Import
from gallery.screens import sidebar
from tests.gallery.tagging.test_tagging import make_image


def test_side_bar_counts_what_belongs_to_the_person(owner, other):
    images = [make_image(owner, number) for number in range(3)]
    tagging.trash(images[:1])
    tagging.resolve(owner, ["character:Mira", "character:Veyra", "persona:Ash", "chat:Night", "one", "two"])
    mirel, mira = tagging.resolve(owner, ["character:Mirel", "character:Mira"])
    tagging.merge(mirel, mira)
    make_image(other, 9)
    tagging.resolve(other, ["character:Foreign"])

    side = sidebar.read(owner)

    assert (side.images, side.characters, side.personas, side.chats, side.tags) == (2, 2, 1, 1, 2)


def test_side_bar_counts_work_that_waits_or_runs(owner, other):
    for status in Generation._meta.get_field("status").choices:
        Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="x", status=status[0])
    for status in Import.Status.values:
        Import.objects.create(owner=owner, status=status)
    Generation.objects.create(owner=other, provider="demo", model="demo", prompt="x")

    assert sidebar.read(owner).active == sidebar.active_count(owner) == 3 + 2


def test_side_bar_shows_pinned_tags_with_their_faces(owner):
    (tag,) = tagging.resolve(owner, ["character:Mira"])
    tag.pinned, tag.avatar = True, make_image(owner, 1)
    tag.save()

    (pinned,) = sidebar.read(owner).pinned

    assert (pinned.name, pinned.url) == ("Mira", tag.get_absolute_url())
    assert pinned.face.url.startswith(f"/media/t/{owner.pk}/{tag.avatar.public_id.hex}-320.webp")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL shows its plans otherwise")
def test_pinned_tags_are_counted_by_their_own_index(owner):
    """And not by reading all tags, which takes longer than the rest of the side bar."""
    with CaptureQueriesContext(connection) as captured:
        sidebar.read(owner)
    (counts,) = [query["sql"] for query in captured if "gallery_savedsearch" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {counts}")
        plan = [row[3] for row in cursor.fetchall()]

    assert [step for step in plan if "tag_pinned" in step]
    assert not [step for step in plan if step.startswith("SCAN gallery_")]


def test_the_side_bar_is_read_once_for_a_request(owner, rf):
    request = rf.get("/")
    request.user = owner
    assert sidebar.of(request) is sidebar.of(request)
