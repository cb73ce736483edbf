"""Imports by address, from what a person pastes to what they are told, against servers on loopback."""

import gzip

import pytest

from gallery.imports import importing
from gallery.models import Image
from providers import egress
from tests.conftest import picture_bytes
from tests.internet import endless, internet, ok, to

pytestmark = pytest.mark.django_db
PICTURE = ok(picture_bytes())
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def wire(monkeypatch, settings):
    settings.MAX_IMPORT_BYTES = 100_000
    # The threads of an import would not see the rows of a test that is rolled back.
    monkeypatch.setattr(importing, "_side_by_side", lambda take, entries: [take(entry) for entry in entries])
    with internet() as wire:
        wire.otherwise = PICTURE
        wire.pages = {}
        yield wire


def bring(owner, *urls):
    """What is told of each address, code and sentence; both are empty for what came in."""
    job = importing.create_from_urls(owner, urls)
    importing.run(job.pk)
    return list(job.entries.order_by("index").values_list("error_code", "error_message"))


@pytest.mark.parametrize(
    "url",
    [
        "http://img.te\tst/a.png",
        "http://img.te\nst/a.png",
        "http://img.te\rst/a.png",
        "http://img.test\x00.evil.test/a.png",
        "http://\u202eimg.test/a.png",
        "http://img\u200b.test/a.png",
        "http://img.test/a\r\nX-Evil: 1",
        "http://img.test/\u202egnp.a",
    ],
)
def test_what_cannot_be_seen_in_an_address_is_not_taken_out_of_it(owner, wire, url):
    """Without the tab it would be another address, and perhaps a good one."""
    ((code, message),) = bring(owner, url)
    assert code == "invalid_address"
    assert message.endswith(".")
    assert wire.asked == wire.dialled == []


@pytest.mark.parametrize("around", ["  {}\n", "\ufeff{}", "{}\u200b", "\t{}\r\n", "\u202a{}\u202c"])
def test_what_a_paste_brings_along_is_dropped(owner, wire, around):
    assert bring(owner, around.format("http://img.test/a.png")) == [("", "")]
    assert Image.objects.get().source_url == "http://img.test/a.png"


def test_names_at_home_and_names_of_nobody_are_told_apart_by_nobody(owner, wire):
    wire.pages = {"/home": to("http://home.test/"), "/nowhere": to("http://nowhere.test/")}
    answers = bring(
        owner, "http://home.test/", "http://nowhere.test/", "http://img.test/home", "http://img.test/nowhere"
    )
    assert set(answers) == {("blocked_address", egress.NOT_ON_THE_INTERNET)}


def test_home_names_are_told_apart_by_nobody_although_a_network_is_open(owner, wire, settings):
    settings.ALLOWED_PRIVATE_HOSTS = ["192.168.7.0/24"]
    wire.names["nas.lan"] = ["10.0.0.9"]
    there, nowhere = bring(owner, "http://nas.lan/", "http://nobody.lan/")
    assert there == nowhere == ("blocked_address", egress.NOT_ON_THE_INTERNET)


def test_open_closed_and_silent_ports_at_home_are_told_apart_by_nobody(owner, wire):
    answers = bring(owner, *(f"http://10.0.0.{n}:{port}/" for n in (1, 2) for port in (80, 443)))
    assert len(set(answers)) == 1
    assert wire.asked == wire.dialled == []


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (ok(b""), "empty_file"),
        (ok(b"", "204 No Content"), "http_status"),
        (ok(b"nobody may read this", "500 Oh"), "http_status"),
        (ok(b"<html>nobody may read this", Content_Type="text/html"), "unsupported_type"),
        (ok(b"<html>nobody may read this", Content_Type="image/png"), "unsupported_type"),
        (ok(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip"), "too_big"),
        (
            endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + bytes(1000) + b"\r\n"),
            "too_big",
        ),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "too_big"),
        (HEAD + b"Content-Length: 5000\r\n\r\nhalf", "unreachable"),
        (b"no HTTP at all", "bad_answer"),
        (to("http://[::1"), "invalid_address"),
        (to("/a.png"), "too_many_redirects"),
    ],
)
def test_whatever_a_server_does_is_told_in_a_sentence_and_leaves_nothing(owner, wire, settings, page, code):
    wire.pages["/a.png"] = page
    ((told, message),) = bring(owner, "http://img.test/a.png")
    assert told == code
    assert message.endswith(".")
    assert "nobody may read this" not in message
    assert list(settings.SPOOL_DIR.iterdir()) == []
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "text/html", "application/octet-stream", "image/jpeg", "x" * 900]
)
def test_a_picture_is_known_by_its_bytes_whatever_the_server_calls_it(owner, wire, kind):
    wire.pages["/a.png"] = ok(
        picture_bytes(), Content_Type=kind, Content_Disposition="x; filename=../../x.html"
    )
    assert bring(owner, "http://img.test/a.png") == [("", "")]
    image = Image.objects.get()
    assert (image.mime_type, image.file_name) == ("image/png", "a.png")
