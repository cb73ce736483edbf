"""The access matrix: 58 kinds of things by ten kinds of askers, of which the product has most.

What a row expects is read from ../shared/corpus/auth_matrix.json where that folder is; here stand the
addresses.
"""

import json
from pathlib import Path

import pytest

from gallery.files import media
from gallery.models import ApiToken, User
from tests.gallery.test_access import undone
from tests.gallery.world import World, client_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

MATRIX = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "auth_matrix.json"
ACTORS = ["anon", "other", "owner", "staff", "superuser", "disabled_owner", "token_read", "token_other"]
LINKS = ["link_ok", "link_expired"]  # there are no links to share: who has one is a stranger

# By the number of the row: method, address, what is sent, and answers that differ from the row, each with its
# reason below. Pages take sessions alone, so a token counts for nothing there: 302 to the log-in.
PAGE_BY_TOKEN = {"token_read": 302, "token_other": 302}
ROWS = {
    0: ("GET", "/images/{image}/", None, PAGE_BY_TOKEN),
    3: ("GET", "/api/v1/images/{image}", None, {}),
    4: ("GET", "/images/{image}/original/", None, {"token_read": 404}),
    5: ("HEAD", "/images/{image}/original/", None, {"token_read": 404}),
    6: ("GET", "/images/{image}/original/", "range", {"token_read": 404}),
    7: ("GET", "/media/t/{owner}/{image_hex}-320.webp", None, {"owner": 404, "token_read": 404}),
    8: ("GET", "/media/{key}", None, {}),
    11: ("GET", "/api/v1/images/{image}", None, {}),
    13: ("PATCH", "/api/v1/images/{image}", {"title": "Another"}, {}),
    14: ("PATCH", "/api/v1/images/{image}", {"owner": 1, "storage_key": "x", "cost_usd": 0}, {"owner": 422}
         | dict.fromkeys(("other", "staff", "superuser", "token_other"), {404, 422})),
    15: ("DELETE", "/api/v1/images/{image}", None, {}),
    18: ("POST", "/api/v1/images/bulk", {"ids": ["1"] * 10_001, "action": "trash"},
         dict.fromkeys(("other", "owner", "staff", "superuser", "token_other"), 422)),
    23: ("GET", "/api/v1/images?owner__password__startswith=a", None, {}),
    28: ("GET", "/users/{owner}/", None, dict.fromkeys(ACTORS, 404) | {"anon": {302, 404}}),
    29: ("POST", "/settings/appearance/gallery/", {}, PAGE_BY_TOKEN | {"owner": 302}
         | dict.fromkeys(("other", "staff", "superuser"), 302)),
    31: ("GET", "/api/v1/users", None, dict.fromkeys(ACTORS, 404)),
    33: ("PATCH", "/api/v1/profiles/{connection}", {"name": "x"}, {}),
    35: ("GET", "/api/v1/generations/{generation}", None, {}),
    36: ("GET", "/generations/{generation}/", None, PAGE_BY_TOKEN),
    38: ("POST", "/api/v1/generations", {"prompt": "a", "profile": "{connection}"},
         {"owner": {202, 422}}),
    40: ("GET", "/api/v1/imports/{job}", None, {}),
    42: ("POST", "/api/v1/downloads", {"ids": ["{image}"]}, {"owner": 201}
         | dict.fromkeys(("other", "staff", "superuser", "token_other"), 422)),
    43: ("GET", "/downloads/{archive}/", None, {"token_read": 404}),
    46: ("GET", "/admin/", None, {}),
    47: ("GET", "/admin/gallery/image/{image_pk}/change/", None, {"staff": 403}),
    48: ("GET", "/admin/gallery/connectionprofile/{connection_pk}/change/", None, {}),
    49: ("POST", "/admin/gallery/user/{owner}/change/", {"is_superuser": "on"}, {}),
    51: ("GET", "/health/live", None, {}),
    52: ("GET", "/metrics", None, {"staff": 200}),
    53: ("GET", "/api/v1/openapi.json", None, {}),
    54: ("GET", "/.env", None, {}),
    55: ("POST", "/login/", "forged", {}),
}  # fmt: skip
# What the product has not, or what another test asks in its own way.
API = "tests/gallery/api/test_access.py"
ELSEWHERE = {
    1: "there are no share links",
    2: "no picture is public",
    9: "the store's: tests/gallery/files/test_s3.py",
    10: "the store's: tests/gallery/files/test_s3.py",
    12: "no picture is public",
    16: f"{API}: the action restore",
    17: f"{API}: many at once",
    19: f"{API}: ids in bodies",
    20: f"{API}: ids in bodies",
    21: f"{API}: lists",
    22: f"{API}: lists",
    24: f"{API}: every call",
    25: "there are no albums; what is like them, tags, is rows 21 and 24",
    26: "there are no share links",
    27: "there are no share links",
    30: "tests/gallery/views/test_account.py: a password is changed only for a good reason",
    32: "no call gives a key; a token that may read sees that there is one, and its last four characters",
    34: "another address is allowed, and clears the key",
    37: f"{API}: every call",
    39: "the page with the answer is its owner's: tests/gallery/test_access.py",
    41: "nothing is imported from folders of the server",
    44: f"{API}: a token cannot make or widen tokens",
    45: "sessions have no list; another password ends all others",
    50: "tests/gallery/admin/test_rows.py",
    56: "tests/gallery/test_sessions.py",
    57: "tests/gallery/test_headers.py",
}


@pytest.fixture
def world(owner):
    return World(owner)


@pytest.fixture
def askers(world, other):
    """A client and headers for each actor."""
    made = {"staff": {"is_staff": True}, "superuser": {"is_staff": True, "is_superuser": True}}
    users = {who: User.objects.create_user(who, **rights) for who, rights in made.items()}
    users |= {"owner": world.owner, "other": other}
    found = {who: (client_of(user), {}) for who, user in users.items()}
    issue = ApiToken.issue
    found["token_read"] = client_of(None), bearer(issue(world.owner, "read", "read")[1])
    found["token_other"] = client_of(None), bearer(issue(other, "x")[1])
    found["anon"] = client_of(None), {}
    tokens = {who: bearer(issue(user, "x")[1]) for who, user in users.items()}
    return found, tokens


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def ask(number, who, world, askers):
    clients, tokens = askers
    method, path, sent, _ = ROWS[number]
    client, headers = clients["owner" if who == "disabled_owner" else who]
    if "/api/" in path and not headers:  # a person's program
        headers = tokens.get("owner" if who == "disabled_owner" else who, {})
    if who == "disabled_owner":
        User.objects.filter(pk=world.owner.pk).update(is_active=False)
    extra = (
        {"range": "bytes=0-0"} if sent == "range" else {"host": "evil.example"} if sent == "forged" else {}
    )
    data, kind = body_of(path, sent, world)
    with undone():
        return client.generic(method, filled(path, world), data, kind, headers=headers | extra).status_code


def body_of(path, sent, world):
    if "/api/" in path and isinstance(sent, dict):
        return json.dumps({name: text(value, world) for name, value in sent.items()}), "application/json"
    return "", "application/x-www-form-urlencoded"


def text(value, world):
    if isinstance(value, list):
        return [text(one, world) for one in value]
    return filled(value, world) if isinstance(value, str) else value


def filled(path, world):
    ids = {name: getattr(thing, "public_id", "") for name, thing in world.things().items()}
    return path.format(**ids | {
        "owner": world.owner.pk, "image_hex": world.image.public_id.hex, "key": world.image.storage_key,
        "image_pk": world.image.pk, "connection_pk": world.connection.pk,
    })  # fmt: skip


def expected(row, who, differing):
    if who in differing:
        return differing[who] if isinstance(differing[who], set) else {differing[who]}
    answer = row["expect"][who]
    return {int(part) for part in str(answer).replace(",", " ").replace("/", " ").split() if part.isdigit()}


@pytest.fixture(scope="module")
def rows():
    if not MATRIX.exists():
        pytest.skip("the matrix is not here")
    return json.loads(MATRIX.read_text())["rows"]


def test_every_row_has_its_place(rows):
    assert sorted([*ROWS, *ELSEWHERE]) == list(range(len(rows)))


@pytest.mark.parametrize("who", ACTORS)
def test_the_matrix_holds(rows, world, askers, who):
    wrong = {}
    for number, (_, path, _, differing) in ROWS.items():
        status = ask(number, who, world, askers)
        if status not in expected(rows[number], who, differing):
            wrong[number, path] = status, rows[number]["expect"][who]
    assert wrong == {}


def test_a_signed_thumbnail_is_for_whoever_was_given_its_address(client, world):
    """Row 7 as its owner sees it: the page signs the address, and nobody can guess it."""
    address = media.thumbnail_url(world.image.public_id, world.owner.pk, 320)
    assert client.get(address).status_code == 200
    assert client.get(address[:-1] + ("0" if address[-1] != "0" else "1")).status_code == 404
