import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import tagging
from gallery.models import Image, ImageText, Tag
from tests.gallery.tagging.test_tagging import make_image

HTMX = {"HX-Request": "true"}


def add_image(owner, number, tags="", days_ago=0, **fields):
    image = make_image(owner, number, **fields)
    ImageText.refresh(image)
    tagging.add([image], tagging.resolve(owner, tagging.split_specs(tags)))
    Image.objects.filter(pk=image.pk).update(created_at=timezone.now() - timedelta(days=days_ago))
    return image


def shown(response):
    """Ids of the pictures in an answer, in their order."""
    return re.findall(r'<li class="tile[^"]*" id="image-([0-9a-f-]{36})"', response.content.decode())


def ids(images):
    return [str(image.public_id) for image in images]


def url(name, image):
    return reverse(name, args=[image.public_id])


# --- The gallery --------------------------------------------------------------------------------


def test_index_asks_strangers_to_log_in(client, db):
    assert client.get("/").url == "/login/?next=/"


def test_index_shows_own_pictures_newest_first(owner_client, owner, other):
    images = [add_image(owner, n) for n in range(3)]
    add_image(other, 9)

    assert shown(owner_client.get("/")) == ids(reversed(images))
    assert shown(owner_client.get("/?sort=old")) == ids(images)


def test_index_without_pictures_offers_three_ways_to_begin(owner_client):
    page = owner_client.get("/").content.decode()

    assert "Your cast is waiting for its first portrait" in page
    assert all(f'href="{reverse(name)}"' in page for name in ("add-upload", "add-import", "add-generate"))


def test_search_narrows_and_shows_its_parts(owner_client, owner):
    mira = add_image(owner, 1, 'character:"Mira Vale", forest')
    add_image(owner, 2, "forest")

    response = owner_client.get("/", {"q": 'character:"Mira Vale" tag:forest'})

    assert shown(response) == ids([mira])
    assert 'href="/?q=tag%3Aforest"' in response.content.decode()  # takes the other part away
    assert (
        f"/images/{mira.public_id}/?in=character%3A%22Mira%20Vale%22%20tag%3Aforest"
        in response.content.decode()
    )


def test_search_without_a_match_names_the_nearest_that_has_one(owner_client, owner):
    add_image(owner, 1, "winter")
    add_image(owner, 2, "snow")

    page = owner_client.get("/", {"q": "tag:winter tag:snow"}).content.decode()

    assert "No images match" in page
    assert "Without tag:snow" in page


def test_a_mistake_in_a_search_is_told_and_does_not_empty_the_page(owner_client, owner):
    image = add_image(owner, 1, prompt="modle ship")

    response = owner_client.get("/", {"q": "modle:ship"})

    assert "Did you mean model:?" in response.content.decode()
    assert shown(response) == ids([image])


def test_empty_filter_says_how_to_fill_it(owner_client, owner):
    add_image(owner, 1)

    assert "No favourites yet" in owner_client.get("/", {"q": "is:favourite"}).content.decode()


def next_batch(response):
    return re.search(r'hx-get="(\?[^"]*after=[^"]*)"', response.content.decode())


@pytest.mark.parametrize("sort", ["", "old"])
def test_endless_grid_shows_each_picture_once(owner_client, owner, sort):
    images = [add_image(owner, n, days_ago=(200 - n) // 9) for n in range(200)]
    response = owner_client.get("/", {"sort": sort})
    seen = shown(response)
    while match := next_batch(response):
        response = owner_client.get("/" + match[1].replace("&amp;", "&"), headers=HTMX)
        assert b"<html" not in response.content
        seen += shown(response)

    assert seen == ids(images if sort else reversed(images))


def test_next_batch_continues_the_group_that_is_on_the_page(owner_client, owner):
    for number in range(70):
        add_image(owner, number)

    first = owner_client.get("/")
    key = re.search(r'id="g-([^"]+)"', first.content.decode())[1]
    more = owner_client.get("/" + next_batch(first)[1].replace("&amp;", "&"), headers=HTMX).content.decode()

    assert f'<hx-partial hx-target="#g-{key} .grid" hx-swap="beforeend">' in more
    assert f'<hx-partial hx-target="#g-{key} .faint" hx-swap="innerHTML">70 images' in more
    assert "<section" not in more


def test_next_page_without_script_stands_on_its_own(owner_client, owner):
    for number in range(70):
        add_image(owner, number)

    href = next_batch(owner_client.get("/"))[1].replace("&amp;", "&")
    page = owner_client.get("/" + href).content.decode()

    assert "<hx-partial" not in page
    assert page.count('<ul class="grid"') >= 1


def test_groups_are_days_when_many_and_months_when_few(owner_client, owner):
    now = timezone.now()
    for number in range(12):
        add_image(owner, number, days_ago=400)
    for number in range(12, 16):
        add_image(owner, number, days_ago=300)
    add_image(owner, 16)

    titles = re.findall(r'<h2 id="h-[^"]*">([^<]*)</h2>', owner_client.get("/").content.decode())

    assert titles[0] == "Today"
    assert titles[1] == timezone.localtime(now - timedelta(days=300)).strftime("%B %Y")
    assert titles[2] == (timezone.localtime(now - timedelta(days=400))).strftime("%A %-d %B %Y")


def test_around_shows_the_picture_among_its_neighbours(owner_client, owner):
    images = [add_image(owner, n) for n in range(120)]

    response = owner_client.get("/", {"around": images[30].public_id})

    assert str(images[30].public_id) in shown(response)
    assert str(images[119].public_id) not in shown(response)
    assert "Newer images" in response.content.decode()


@pytest.mark.parametrize("query", ["after=forged", "after=a:b:c&sort=old"])
def test_forged_cursor_is_refused_with_a_way_on(owner_client, owner, query):
    add_image(owner, 1)
    response = owner_client.get(f"/?{query}")

    assert response.status_code == 400
    assert "Go to gallery" in response.content.decode()


@pytest.mark.parametrize("query", ["around=nonsense", "size=xxl", "group=<script>:x", "sort=%00", "q=%00"])
def test_odd_parameters_are_left_out_of_account(owner_client, owner, query):
    image = add_image(owner, 1)
    assert shown(owner_client.get(f"/?{query}")) == ids([image])


def test_tile_size_is_kept_in_a_cookie(owner_client, owner):
    add_image(owner, 1)
    owner_client.get("/?size=l")

    assert 'class="feed size-l"' in owner_client.get("/").content.decode()


def test_index_asks_as_many_questions_for_twenty_as_for_ten(
    owner_client, owner, django_assert_max_num_queries
):
    counts = []
    for number in range(20):
        add_image(owner, number, f'character:"C{number}", tag{number}')
        if number in (9, 19):
            with django_assert_max_num_queries(12) as queries:
                owner_client.get("/")
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_titles_are_escaped_in_tiles(owner_client, owner):
    add_image(owner, 1, title='"><script>alert(1)</script>')

    assert "<script>alert" not in owner_client.get("/").content.decode()


# --- One picture --------------------------------------------------------------------------------


def test_page_of_a_picture_tells_how_it_was_made(owner_client, owner):
    image = add_image(
        owner,
        1,
        'character:"Mira Vale"',
        title="Green wood",
        source="generated",
        provider="openai",
        model="gpt-image-2",
        prompt="a ranger",
        prompt_sent="Mira, a ranger",
        cost_usd="0.063",
        cost_source="reported",
        params={"size": "1024x1536", "quality": "high"},
    )

    page = owner_client.get(image.get_absolute_url()).content.decode()

    for text in (
        "Green wood",
        "gpt-image-2",
        "you asked for 1024 × 1536",
        "$0.063",
        "reported by the vendor",
        "High",
    ):
        assert text in page
    assert "a ranger" in page
    assert "Mira, a ranger" in owner_client.get(image.get_absolute_url() + "?prompt=sent").content.decode()


def test_htmx_gets_the_viewer_alone(owner_client, owner):
    image = add_image(owner, 1)
    fragment = owner_client.get(image.get_absolute_url(), headers=HTMX).content.decode()

    assert fragment.strip().startswith('<section class="stage"')
    assert "<html" not in fragment


def test_neighbours_stay_within_the_search(owner_client, owner):
    first, _, third = (add_image(owner, n, tags) for n, tags in enumerate(("forest", "", "forest")))

    page = owner_client.get(first.get_absolute_url(), {"in": "tag:forest"}).content.decode()

    assert f'rel="prev" href="/images/{third.public_id}/?in=tag%3Aforest"' in page
    assert 'rel="next"' not in page
    assert "2 of 2" in page


@pytest.mark.parametrize(
    "name", ["image", "favourite", "image-edit", "image-tags", "image-trash", "image-restore"]
)
def test_pictures_of_somebody_else_do_not_exist(other_client, client, owner, name):
    image = add_image(owner, 1, title="mine")
    ask = other_client.get if name == "image" else other_client.post

    response = ask(url(name, image), {"title": "theirs", "add": "x"})

    assert response.status_code == 404
    assert "mine" not in response.content.decode()
    assert client.post(url(name, image)).url.startswith("/login/")
    image.refresh_from_db()
    assert (image.title, image.favorite, image.trashed_at, image.tags.count()) == ("mine", False, None, 0)


def test_favourite_turns_over_and_tells_the_page(owner_client, owner):
    image = add_image(owner, 1)

    response = owner_client.post(url("favourite", image), headers=HTMX)

    image.refresh_from_db()
    assert image.favorite
    assert '"favourite": true' in response["HX-Trigger"]
    assert owner_client.post(url("favourite", image)).url == image.get_absolute_url()


def test_edit_changes_only_what_was_sent(owner_client, owner):
    image = add_image(owner, 1, title="Old", notes="Kept", sensitive=True)

    owner_client.post(url("image-edit", image), {"rating": "4"})
    image.refresh_from_db()
    assert (image.title, image.notes, image.rating, image.sensitive) == ("Old", "Kept", 4, True)

    owner_client.post(url("image-edit", image), {"title": "New", "notes": "", "fields": "sensitive"})
    image.refresh_from_db()
    assert (image.title, image.notes, image.rating, image.sensitive) == ("New", "", 4, False)
    assert "new" in image.text.words


def test_invalid_edit_answers_422_with_the_sentence(owner_client, owner):
    image = add_image(owner, 1, title="Old")

    response = owner_client.post(url("image-edit", image), {"title": "x" * 201}, headers=HTMX)

    assert response.status_code == 422
    assert "at most 200 characters" in response.content.decode()
    assert owner_client.post(url("image-edit", image), {"rating": "9"}).status_code == 422
    image.refresh_from_db()
    assert (image.title, image.rating) == ("Old", 0)


def test_tags_are_added_and_removed(owner_client, owner):
    image = add_image(owner, 1)

    response = owner_client.post(
        url("image-tags", image), {"add": 'character:"Mira Vale", forest'}, headers=HTMX
    )
    assert "Mira Vale" in response.content.decode()
    assert 'name="add" value=""' in response.content.decode()  # ready for the next ones
    assert sorted(tag.spec for tag in image.tags.all()) == ['character:"Mira Vale"', "tag:forest"]

    owner_client.post(url("image-tags", image), {"remove": image.tags.get(name="forest").public_id})
    assert [tag.name for tag in image.tags.all()] == ["Mira Vale"]


def test_a_tag_that_cannot_be_is_explained(owner_client, owner):
    image = add_image(owner, 1)
    response = owner_client.post(url("image-tags", image), {"add": "x" * 101}, headers=HTMX)

    assert response.status_code == 422
    assert "too long for a tag" in response.content.decode()
    assert f'name="add" value="{"x" * 101}"' in response.content.decode()  # nothing typed is lost


def test_somebody_elses_tag_cannot_be_removed_by_its_id(owner_client, owner, other):
    image = add_image(owner, 1)
    (foreign,) = tagging.resolve(other, ["theirs"])

    assert owner_client.post(url("image-tags", image), {"remove": foreign.public_id}).status_code == 404


@pytest.mark.parametrize(("title", "called"), [("", "The image"), ("Dawn", "“Dawn”")])
def test_messages_call_a_picture_by_its_title_or_just_the_image(owner_client, owner, title, called):
    image = add_image(owner, 1, title=title)
    for deed, told in (("image-trash", "is in the trash."), ("image-restore", "is back in the gallery.")):
        page = owner_client.post(url(deed, image), headers=HTMX).content.decode()
        assert f"<span>{called} {told}</span>" in page


def test_what_was_free_is_just_free(owner_client, owner):
    image = add_image(owner, 1, source="generated", cost_usd=0, cost_source="reported")
    page = owner_client.get(image.get_absolute_url()).content.decode()
    assert "<dd>free</dd>" in page
    assert "reported by" not in page


def test_trash_and_undo(owner_client, owner):
    image = add_image(owner, 1, "forest")

    response = owner_client.post(url("image-trash", image), headers=HTMX)
    assert "image:gone" in response["HX-Trigger"]
    assert f'action="{url("image-restore", image)}"' in response.content.decode()
    assert shown(owner_client.get("/")) == []

    response = owner_client.post(url("image-restore", image), headers=HTMX)
    assert "image:back" in response["HX-Trigger"]
    assert shown(owner_client.get("/")) == ids([image])
    assert Tag.objects.with_counts().get(name="forest").image_count == 1


def test_restoring_a_twin_says_where_its_tags_went(owner_client, owner):
    image = add_image(owner, 1, "old", sha256="a" * 64)
    tagging.trash([image])
    twin = make_image(owner, 2, sha256="a" * 64)

    response = owner_client.post(url("image-restore", image), follow=True)

    assert "in the gallery already" in response.content.decode()
    assert [tag.name for tag in twin.tags.all()] == ["old"]


@pytest.mark.parametrize("name", ["favourite", "image-edit", "image-tags", "image-trash", "image-restore"])
def test_changes_need_a_post(owner_client, owner, name):
    assert owner_client.get(url(name, add_image(owner, 1))).status_code == 405
