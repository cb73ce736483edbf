import pytest
from django.urls import reverse

from gallery.models import ConnectionProfile, Fragment
from gallery.prompting import fragments
from tests.gallery.views.test_tags import make_tag, url

TIERS = {"max_chars-0": "40", "text-0": "ranger, gold circlet", "max_chars-1": "", "text-1": ""}


@pytest.fixture
def tag(owner):
    return make_tag(owner, 'character:"Mira Vale"')


@pytest.fixture
def fragment(tag):
    return fragments.create(tag, name="Ranger", text="green wool hood " * 90, use="demand")


def address(name, fragment):
    return reverse(name, args=[fragment.tag.public_id, fragment.public_id])


def test_a_fragment_is_written_with_shorter_wordings(owner_client, tag):
    answer = owner_client.post(
        url("fragment-new", tag), {"name": "Look", "use": "always", "text": "A ranger.", **TIERS}
    )

    kept = Fragment.objects.get()
    assert answer.url == tag.get_absolute_url()
    assert (kept.name, kept.use, kept.text) == ("Look", "always", "A ranger.")
    assert kept.tiers == [{"max_chars": 40, "text": "ranger, gold circlet"}]


def test_fragments_are_sent_in_the_order_they_are_put_in(owner_client, tag):
    rows = [fragments.create(tag, name=name, text=name) for name in ("Hair", "Coat", "Voice")]
    move = address("fragment-move", rows[2])
    owner_client.post(move, {"to": "front"})
    answer = owner_client.post(address("fragment-move", rows[0]), {"to": "back"})

    assert answer.url == f"{tag.get_absolute_url()}#fragments-title"
    assert [row.name for row in tag.fragments.all()] == ["Voice", "Hair", "Coat"]
    owner_client.post(move, {"to": "front"})
    assert [row.name for row in tag.fragments.all()] == ["Voice", "Hair", "Coat"]


def test_one_fragment_alone_has_nothing_to_be_moved_past(owner_client, fragment):
    page = owner_client.get(fragment.tag.get_absolute_url()).content.decode()
    assert address("fragment-move", fragment) not in page


def test_fragments_of_others_cannot_be_moved(other_client, fragment):
    assert other_client.post(address("fragment-move", fragment), {"to": "front"}).status_code == 404


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "ranger"}, "There is already a fragment"),
        ({"text": " "}, "This is needed"),
        ({"use": "sometimes"}, "not on offer"),
        ({"max_chars-0": ""}, "How many characters may it have?"),
        ({"max_chars-0": "5"}, "Shorten it, or raise the limit"),
    ],
)
def test_a_fragment_that_cannot_be_is_explained_at_its_field(owner_client, fragment, data, sentence):
    typed = {"name": "Look", "use": "always", "text": "A ranger.", **TIERS, **data}

    answer = owner_client.post(url("fragment-new", fragment.tag), typed)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Fragment.objects.count() == 1


def test_a_fragment_says_for_which_connections_it_is_too_long(owner_client, owner, fragment):
    for name, model in (("Old", "dall-e-2"), ("New", "gpt-image-1")):
        ConnectionProfile.objects.create(owner=owner, name=name, provider="openai", default_model=model)

    page = owner_client.get(fragment.tag.get_absolute_url()).content.decode()
    assert "1,439 characters, too long for Old (1,000)" in page
    assert "too long for New" not in page
    assert "@Mira Vale:Ranger" in page
    fragments.change(fragment, tiers=[{"max_chars": 200, "text": "green hood"}])
    fits = owner_client.get(address("fragment", fragment)).context["fits"]
    assert {fit.name: (fit.length, fit.is_ok) for fit in fits} == {"Old": (10, True), "New": (1439, True)}


def test_a_fragment_is_changed_and_deleted(owner_client, fragment):
    data = {"name": "Ranger", "use": "never", "text": "hats"}
    owner_client.post(address("fragment", fragment), data)
    fragment.refresh_from_db()
    assert (fragment.use, fragment.text, fragment.version) == ("never", "hats", 2)

    owner_client.post(address("fragment-delete", fragment))
    assert not Fragment.objects.exists()


def test_free_tags_and_chats_have_no_fragments(owner_client, owner):
    assert owner_client.get(url("fragment-new", make_tag(owner, "rain"))).status_code == 404
    assert (
        "Prompt fragments"
        not in owner_client.get(make_tag(owner, "rain").get_absolute_url()).content.decode()
    )


def test_fragments_of_somebody_else_do_not_exist(other_client, client, other, fragment):
    mine = make_tag(other, "character:Mine")
    through_mine = reverse("fragment", args=[mine.public_id, fragment.public_id])
    for place in (address("fragment", fragment), address("fragment-delete", fragment), through_mine):
        assert other_client.post(place, {"name": "x", "use": "always", "text": "x"}).status_code == 404
        assert client.post(place).url.startswith("/login/")
    fragment.refresh_from_db()
    assert fragment.name == "Ranger"
