import pytest

from gallery import tagging
from gallery.models import Fragment
from gallery.prompting import fragments
from tests.gallery.api.conftest import is_problem


@pytest.fixture
def mirel(owner):
    return tagging.resolve(owner, ["character:Mirel"])[0]


@pytest.fixture
def body(mirel):
    return fragments.create(mirel, name="Body", text="Tall, red hair.", use="always")


def path(fragment):
    return f"/tags/{fragment.tag.public_id}/fragments/{fragment.public_id}"


def test_a_fragment_is_created_with_shorter_wordings(api, mirel):
    tiers = [{"max_chars": 80, "text": "Tall, red."}, {"max_chars": 9, "text": "Red hair."}]
    wish = {
        "name": " Winter  face ",
        "use": "demand",
        "text": "Tall, red hair, freckles.\r\n",
        "tiers": tiers,
    }
    response = api.post(f"/tags/{mirel.public_id}/fragments", wish)
    assert response.status_code == 201
    made = response.json()
    assert (made["name"], made["use"], made["version"]) == ("Winter face", "demand", 1)
    assert (made["text"], made["tiers"]) == ("Tall, red hair, freckles.", tiers[::-1])
    assert api.get(f"/tags/{mirel.public_id}/fragments").json()["items"] == [made]
    fragment = Fragment.objects.get()
    assert [fragment.text_for(n) for n in (None, 25, 24, 9, 3)] == [
        "Tall, red hair, freckles.", "Tall, red hair, freckles.", "Tall, red.", "Red hair.", "Red hair.",
    ]  # fmt: skip


def test_the_version_counts_changes_of_the_wording(api, body):
    assert api.patch(path(body), {"name": "Looks", "use": "never", "position": 3}).json()["version"] == 1
    assert api.patch(path(body), {"text": "Tall, red hair."}).json()["version"] == 1
    assert api.patch(path(body), {"text": "Small."}).json()["version"] == 2
    tiers = [{"max_chars": 10, "text": "Small"}]
    changed = api.patch(path(body), {"tiers": tiers}).json()
    assert (changed["version"], changed["text"], changed["tiers"]) == (3, "Small.", tiers)


def test_a_fragment_is_deleted(api, body):
    assert api.delete(path(body)).status_code == 204
    is_problem(api.delete(path(body)), 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "BÓDY"}, "name"),
        ({"name": "court: dress"}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"use": "sometimes"}, "use"),
        ({"tiers": [{"max_chars": 3, "text": "Four"}]}, "tiers"),
        ({"tiers": [{"max_chars": 9, "text": "a"}, {"max_chars": 9, "text": "b"}]}, "tiers"),
        ({"tiers": [{"max_chars": 0, "text": "a"}]}, "tiers.max_chars"),
        ({"tiers": [{"max_chars": 9}]}, "tiers.text"),
        ({"tiers": "short"}, "tiers"),
        ({"version": 7}, "version"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(api, mirel, body, change, field):
    wish = {"name": "Face", "text": "Freckles."} | change
    is_problem(api.post(f"/tags/{mirel.public_id}/fragments", wish), 422, field)
    assert Fragment.objects.count() == 1


def test_a_free_tag_has_no_fragments(api, owner):
    (rain,) = tagging.resolve(owner, ["rain"])
    wish = {"name": "Face", "text": "Freckles."}
    is_problem(api.post(f"/tags/{rain.public_id}/fragments", wish), 422, "tag")


def test_a_fragment_stands_under_its_own_tag_only(api, owner, body):
    (ash,) = tagging.resolve(owner, ["character:Ash"])
    is_problem(api.patch(f"/tags/{ash.public_id}/fragments/{body.public_id}", {"text": "x"}), 404)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_foreign_fragment_does_not_exist(foreign, stranger, body, method):
    place = path(body) if method in ("PATCH", "DELETE") else f"/tags/{body.tag.public_id}/fragments"
    wish = None if method in ("GET", "DELETE") else {"name": "Face", "text": "Freckles."}
    is_problem(foreign.send(method, place, wish), 404)
    is_problem(stranger.send(method, place, wish), 401)
    assert list(Fragment.objects.values_list("text", flat=True)) == ["Tall, red hair."]


def test_a_reading_token_changes_nothing(reader, body):
    assert reader.get(f"/tags/{body.tag.public_id}/fragments").status_code == 200
    is_problem(reader.patch(path(body), {"text": "x"}), 403)
