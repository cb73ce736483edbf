"""Forms with files, as bytes: what is cut off, unreadable or too much is said, and names stay as written."""

from urllib.parse import quote

import pytest
from django.conf import settings as configured
from django.urls import reverse

from gallery.files import filenames, media
from gallery.models import Image
from tests.gallery.api.conftest import api, is_problem  # noqa: F401  a fixture

KIND = "multipart/form-data; boundary=XBOUNDX"
END = b"--XBOUNDX--\r\n"


def part(name: bytes | None, data: bytes, field: bytes = b"file", extra: bytes = b"") -> bytes:
    file = b"" if name is None else b'; filename="%s"' % name
    head = b'--XBOUNDX\r\nContent-Disposition: form-data; name="%s"%s\r\n%s\r\n' % (field, file, extra)
    return head + data + b"\r\n"


@pytest.fixture
def send(api):  # noqa: F811
    def run(*parts: bytes, kind=KIND):
        return api.send("POST", "/images", b"".join(parts), content_type=kind)

    return run


@pytest.fixture
def post(owner_client):
    """The same through the page."""

    def run(*parts: bytes, kind=KIND):
        return owner_client.post(reverse("add-upload"), b"".join(parts), content_type=kind)

    return run


def refused_with(response, code, status=400):
    assert is_problem(response, status)["code"] == code
    assert not Image.objects.exists()


# --- What is missing ------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_a_form_that_is_cut_off_says_so(send, post, picture, kept):
    data = picture(size=(600, 600))
    whole = part(b"a.png", data) + part(b"b.png", picture("#123456")) + END
    cut = whole[: int(len(whole) * kept)]
    refused_with(send(cut), "bad_request")
    page = post(cut)
    assert page.status_code == 400
    assert "The transfer was cut off before its end" in page.content.decode()


def test_a_form_without_its_last_boundary_adds_none_of_its_files(send, picture):
    refused_with(send(part(b"a.png", picture()), part(b"b.png", picture("#123456"))), "bad_request")


def test_a_form_may_be_followed_by_an_empty_line_or_a_remark(send, picture):
    assert send(part(b"a.png", picture()), END, b"\r\nEnd of form.\r\n").status_code == 201


@pytest.mark.parametrize(
    "parts",
    [(), (part(None, b"x", b"tags"),), (part(b"", b"", b"file"),), (part(None, b"\x89PNG"),)],
    ids=["no part", "a field", "an empty choice", "a file as text"],
)
def test_a_form_without_a_file_says_so(send, post, parts):
    refused_with(send(*parts, END), "no_file", 422)
    assert "No file arrived" in post(*parts, END).content.decode()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", KIND + "é"])
def test_a_form_without_a_boundary_says_so(send, post, kind):
    refused_with(send(END, kind=kind), "bad_request")
    assert post(END, kind=kind).status_code == 400


def test_an_empty_form_says_so(send, post):
    refused_with(send(b""), "no_file", 422)
    assert "No file arrived" in post(b"").content.decode()


# --- What is too much -----------------------------------------------------------------------------


def test_too_many_fields_and_too_many_files_are_told_apart(send, picture, settings):
    fields = [part(None, b"x", b"f%d" % number) for number in range(1100)]
    refused_with(send(*fields, part(b"a.png", picture()), END), "too_many_fields")
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    refused_with(send(*[part(b"a.png", picture())] * 3, END), "too_many_files")


def test_the_head_of_a_part_is_bounded(send, post, picture):
    long = part(b"a" * 100_000, picture())
    refused_with(send(long, END), "bad_request")
    assert post(long, END).status_code == 400


def test_of_a_file_that_is_too_big_no_more_is_kept_than_tells_so(send, settings, monkeypatch):
    settings.MAX_UPLOAD_BYTES = settings.MAX_IMPORT_BYTES = 100_000
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    kept = []
    from gallery.multipart import BoundedFile

    complete = BoundedFile.file_complete

    def measured(self, file_size):
        kept.append(self.file.file.tell())
        return complete(self, file_size)

    monkeypatch.setattr(BoundedFile, "file_complete", measured)
    body = is_problem(send(part(b"a.png", bytes(1_500_000)), END), 413)
    assert body["detail"] == "This file is 1.4 MB. The limit here is 0.1 MB."
    assert 100_000 < kept[0] < 300_000


def test_a_form_of_too_much_in_all_is_not_read(send, settings):
    settings.MAX_REQUEST_BYTES = 5000
    refused_with(send(*[part(b"a.png", bytes(1000))] * 5, END), "too_big", 413)


def test_big_files_are_bounded_on_their_way_in():
    assert "gallery.multipart.BoundedFile" in configured.FILE_UPLOAD_HANDLERS


# --- Names ----------------------------------------------------------------------------------------

FAMILY = "👩‍👩‍👧 photo.png"
PERSIAN = "می‌خواهم\u200f.png"


@pytest.mark.parametrize("name", [FAMILY, PERSIAN, "猫の写真.png", "café.png", "R&D <b>.png", "צילום‎ 1.png"])
def test_a_name_stays_as_it_was_written_and_goes_back_that_way(send, post, owner_client, picture, name):
    data = part(name.encode(), picture())
    item = send(data, END).json()["items"][0]
    assert Image.objects.get().file_name == name
    row = post(data, END).content.decode()
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in row
    header = owner_client.get(reverse("original", args=[item["id"]])).headers["Content-Disposition"]
    assert header.isascii()
    assert header.endswith(f"filename*=UTF-8''{quote(name, safe='')}")


@pytest.mark.parametrize("name", [b".", b"..", b"/", b"...", b"\\\\host\\", b" ", b"\x01", b"\xe2\x80\xae"])
def test_a_name_that_says_nothing_is_no_reason_to_lose_the_file(send, picture, name):
    assert send(part(name, picture()), END).status_code == 201
    assert "/" not in Image.objects.get().file_name
    assert media.disposition(Image.objects.get().file_name, "png", download=True).isascii()


def test_a_name_that_is_no_utf8_is_an_error_and_not_a_silent_loss(send, post, picture):
    good, bad = part(b"good.png", picture()), part(b"caf\xe9.png", picture("#123456"))
    refused_with(send(good, bad, END), "bad_filename")
    page = post(good, bad, END)
    assert page.status_code == 400
    assert "A file has a name that could not be read" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\temp\\a.png", "a.png"),
        ("../../etc/passwd.png", "passwd.png"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"),
        ("a\u2028b.png", "ab.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("\u2066evil\u2069.png", "evil.png"),
        ("a\ud800.png", "a?.png"),
        ("x" * 300, "x" * 255),
        ("..", ""),
    ],
)
def test_what_turns_a_name_round_or_leads_elsewhere_is_left_out(name, shown):
    assert filenames.last_part(name) == shown


# --- Who sends ------------------------------------------------------------------------------------


def test_fields_beside_the_file_give_no_rights(send, owner, other, picture):
    fields = [part(None, value, field) for field, value in {
        b"owner": b"%d" % other.pk, b"is_public": b"true", b"storage_path": b"../../x", b"storage_key": b"x",
    }.items()]  # fmt: skip
    assert send(*fields, part(b"a.png", picture(), b"files"), END).status_code == 201
    image = Image.objects.get()
    assert image.owner == owner
    assert image.storage_key.startswith(f"uploaded/{owner.pk}/")


def test_a_form_within_a_form_holds_no_file(send):
    inner = b"--Y\r\nContent-Disposition: file; filename=a.png\r\n\r\nx\r\n--Y--"
    mixed = b"Content-Type: multipart/mixed; boundary=Y\r\n"
    refused_with(send(part(None, inner, extra=mixed), END), "no_file", 422)


FILE = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n'


@pytest.mark.parametrize(
    "head",
    [
        FILE + b"Content-Transfer-Encoding: base64\r\n",
        FILE + b"Content-Type: image/png; charset=no-such-charset\r\n",
        FILE + b"Content-Length: -5\r\n",
        FILE + FILE,
        FILE.replace(b"\r\n", b"\n"),
        b"Content-Disposition: form-data\r\n",
        b"Content-Disposition: form-data; filename=a.png\r\n",
        b"Content-Disposition: form-data; name=file; filename*=UTF-8''%ff%fe.png\r\n",
        b"Content-Disposition: form-data; name=file; filename*=no-such''a.png\r\n",
        b"Content-Disposition: form-data; name=file; filename=a.png; filename=b.png\r\n",
        b"Content-Disposition: attachment; name=file; filename=a.png\r\n",
        b"\xff\xfe: x\r\n",
        b"",
    ],
)
def test_odd_heads_of_a_part_end_in_a_picture_or_a_reason(send, picture, head):
    response = send(b"--XBOUNDX\r\n" + head + b"\r\n" + picture() + b"\r\n", END)
    if response.status_code == 201:
        assert Image.objects.get().bytes == len(picture())
    else:
        assert is_problem(response, response.status_code)["code"]
        assert response.status_code in {400, 413, 415, 422}
        assert not Image.objects.exists()
