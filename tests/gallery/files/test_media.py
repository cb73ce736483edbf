import uuid

import pytest

from gallery import ingest
from gallery.files import media
from gallery.models import Image


@pytest.fixture
def image(owner, picture) -> Image:
    return ingest.store(owner, picture(), source="upload", file_name="Ünter den Linden.jpeg").image


@pytest.fixture
def address(image):
    return f"/images/{image.public_id}/original/"


def body(response) -> bytes:
    return response.getvalue()


def test_original_goes_to_its_owner_with_locked_headers(owner_client, address, picture):
    response = owner_client.get(address)
    assert body(response) == picture()
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"] == "private, no-store"


def test_original_is_404_to_others_staff_and_strangers(client, other_client, staff, address):
    assert other_client.get(address).status_code == 404
    assert client.get(address).status_code == 404
    client.force_login(staff)
    assert client.get(address).status_code == 404


def test_download_names_the_file_by_its_real_type(owner_client, address):
    expected = "attachment; filename=\"_nter den Linden.png\"; filename*=UTF-8''%C3%9Cnter%20den%20Linden.png"
    assert owner_client.get(f"{address}?download=1")["Content-Disposition"] == expected


def test_original_without_a_file_is_404(owner_client, image, address, settings):
    (settings.MEDIA_ROOT / image.storage_key).unlink()
    assert owner_client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "first", "end"), [("bytes=0-9", 0, 10), ("bytes=5-", 5, None), ("bytes=-4", -4, None)]
)
def test_original_answers_a_range(owner_client, address, picture, wanted, first, end):
    response = owner_client.get(address, headers={"Range": wanted})
    assert response.status_code == 206
    assert body(response) == picture()[first:end]
    assert response["Content-Range"].endswith(f"/{len(picture())}")


def test_range_outside_the_file_is_416(owner_client, address, picture):
    response = owner_client.get(address, headers={"Range": "bytes=999999-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(picture())}"


def test_range_for_another_version_gets_the_whole_file(owner_client, address):
    response = owner_client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"old"'})
    assert response.status_code == 200


def test_head_of_an_original_has_its_length_and_no_body(owner_client, address, picture):
    response = owner_client.head(address)
    assert response["Content-Length"] == str(len(picture()))
    assert response.content == b""


def test_original_the_browser_has_is_304(owner_client, image, address):
    response = owner_client.get(address, headers={"If-None-Match": f'"{image.sha256}"'})
    assert response.status_code == 304


def test_web_server_in_front_gets_the_place_of_the_file(owner_client, image, address, settings):
    settings.X_ACCEL_PREFIX = "/protected/"
    assert owner_client.get(address)["X-Accel-Redirect"] == f"/protected/{image.storage_key}"


def test_thumbnail_needs_its_signature_and_nothing_else(client, image):
    response = client.get(media.thumbnail_url(image.public_id, image.owner_id, 320))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"


def test_thumbnail_without_a_file_is_404(client, image, settings):
    (settings.MEDIA_ROOT / image.thumbnail_key(320)).unlink()
    assert client.get(media.thumbnail_url(image.public_id, image.owner_id, 320)).status_code == 404


def test_signature_is_for_one_owner_one_picture_and_one_size(client, image):
    address = media.thumbnail_url(image.public_id, image.owner_id, 320)
    changed = [
        address.replace("-320", "-1280"),
        address.replace(image.public_id.hex, uuid.uuid4().hex),
        address.replace(f"/t/{image.owner_id}/", f"/t/{image.owner_id + 1}/"),
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        address.partition("?")[0],
    ]
    assert [client.get(one).status_code for one in changed] == [404] * 5


def test_signature_lasts_until_the_end_of_the_next_day(monkeypatch):
    monkeypatch.setattr(media.time, "time", lambda: 86_400 * 100 + 1)
    address = media.thumbnail_url(uuid.UUID(int=7), 1, 320)
    _, _, name = address.partition("?")[0].rpartition("/")
    signature = address.rpartition("=")[2]
    for day, good in ((100, True), (101, True), (102, False), (99, False)):
        monkeypatch.setattr(media.time, "time", lambda day=day: 86_400 * day + 86_399)
        assert media.is_signed(1, name, signature) is good


def test_address_stays_the_same_all_day(monkeypatch):
    addresses = set()
    for second in (0, 40_000, 86_399):
        monkeypatch.setattr(media.time, "time", lambda second=second: 86_400 * 50 + second)
        addresses.add(media.thumbnail_url(uuid.UUID(int=7), 1, 320))
    assert len(addresses) == 1


def test_another_secret_makes_another_signature(settings):
    before = media.thumbnail_url(uuid.UUID(int=7), 1, 320)
    settings.SECRET_KEY = "another"
    assert media.thumbnail_url(uuid.UUID(int=7), 1, 320) != before


@pytest.mark.parametrize(
    "wanted", ["", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1"]
)
def test_part_of_gives_the_whole_file_for_what_it_does_not_know(wanted):
    assert media.part_of(100, wanted) is None


@pytest.mark.parametrize("name", ["a\r\nX: y.png", 'a";b.png', "../x.png", "猫.png", "", "."])
def test_disposition_is_plain_ascii_on_one_line(name):
    value = media.disposition(name, "png", download=True)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
