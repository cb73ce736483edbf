"""Every case of `../shared/corpus`, where that folder exists, through the door that it names.

The rules behind the cases have tests of their own that need no corpus: test_decode, test_containers,
test_archives, test_multipart, test_importing.
"""

import io
import json
import time
from pathlib import Path

import pytest
from django.urls import reverse
from PIL import Image as Pillow

from gallery.decode import pool
from gallery.files import media, receiving, storage
from gallery.imports import importing
from gallery.models import Image, Import
from tests.gallery.api.conftest import api_of

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
MANIFEST = json.loads((CORPUS / "manifest.json").read_text()) if CORPUS.is_dir() else {"cases": []}
SLACK = 4  # a loaded machine is slower than the one the budgets were made for
MB = 1 << 20

pytestmark = [
    pytest.mark.skipif(not MANIFEST["cases"], reason="there is no corpus beside this folder"),
    pytest.mark.thorough,
]


def cases(*doors):
    return [pytest.param(case, id=case["id"]) for case in MANIFEST["cases"] if case["via"] in doors]


@pytest.fixture(autouse=True)
def limits(settings):
    assumed = MANIFEST["assumed_limits"]
    settings.MAX_UPLOAD_BYTES = assumed["max_upload_bytes"]
    settings.MAX_IMAGE_PIXELS = assumed["max_pixels"]
    settings.MAX_IMPORT_BYTES = assumed["max_upload_bytes"]


@pytest.fixture
def api(owner):
    return api_of(owner)


# --- Sending --------------------------------------------------------------------------------------


def body_of(case: dict, data: bytes, field: str) -> tuple[bytes, str]:
    """The bytes a browser would send for a file of that name."""
    name = case["upload_filename"].encode("utf-8", "surrogateescape" if ascii_halves(case) else "replace")
    name = name.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    head = b'--XBOUNDX\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n' % (
        field.encode(),
        name,
    )
    head += b"Content-Type: %s\r\n\r\n" % case["content_type"].encode()
    return head + data + b"\r\n--XBOUNDX--\r\n", "multipart/form-data; boundary=XBOUNDX"


def ascii_halves(case: dict) -> bool:
    """Whether the name holds bytes that are no UTF-8, as Python writes them."""
    return any("\udc80" <= c <= "\udcff" for c in case["upload_filename"])


def contents(case: dict) -> bytes:
    return (CORPUS / case["file"]).read_bytes()


def within_budget(case, work):
    """Do `work`; time and memory of this process and the decoders stay within the case's budget."""
    pids = ["self", *(child.process.pid for child in pool.shared_pool().children if child.process)]
    before = {pid: memory(pid, "VmRSS") for pid in pids if reset_peak(pid)}
    began = time.monotonic()
    result = work()
    assert time.monotonic() - began <= case["budget"]["seconds"] * SLACK
    for pid, resident in before.items():
        used = memory(pid, "VmHWM") - (resident if pid == "self" else 0)
        assert used <= case["budget"]["rss_mb"] * MB
    return result


def reset_peak(pid) -> bool:
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False  # not on Linux, or not allowed
    return True


def memory(pid, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0  # ended by the work
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


# --- Judging --------------------------------------------------------------------------------------


def outcomes(case) -> set[str]:
    """ "accept" or "reject"; what is sanitised is accepted, and the copies are clean."""
    allowed = {case["expect"], *case["also_ok"]}
    return {"accept" if word == "sanitise" else word for word in allowed}


def assert_refused_with_a_reason(case, body):
    assert body["detail"].endswith(".")
    if case["expect"] == "reject":
        assert body.get("code") == case["reason"], body


def assert_nothing_was_kept(settings):
    assert not Image.objects.exists()
    for folder in (settings.MEDIA_ROOT, settings.SPOOL_DIR):
        assert [path for path in folder.rglob("*") if path.is_file()] == []


def assert_as_described(case, item, api, settings):
    wanted = case["assert"]
    image = Image.objects.get(public_id=item["id"])
    for name in ("width", "height"):
        if name in wanted:
            assert item[name] == wanted[name]
    if "frames" in wanted:
        assert image.frames == wanted["frames"]
    assert_original_is_served_safely(image, api, wanted)
    for size in (320, 1280):
        with storage.open(image.thumbnail_key(size)) as file:
            assert_clean(file.read(), wanted, contents(case))
    with storage.open(image.thumbnail_key(320)) as file:
        assert_pixels(Pillow.open(io.BytesIO(file.read())), wanted)
    assert (settings.MEDIA_ROOT / image.storage_key).resolve().is_relative_to(settings.MEDIA_ROOT.resolve())
    assert image.sha256 in image.storage_key


def assert_original_is_served_safely(image, api, wanted):
    answer = api.get(f"/images/{image.public_id}/original")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == wanted.get("served_content_type", image.mime_type)
    assert answer.headers["Content-Type"].startswith("image/")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].endswith(image.storage_key.rsplit(".", 1)[-1])
    assert "\n" not in answer.headers["Content-Disposition"]


def assert_clean(thumb: bytes, wanted, original: bytes):
    """Nothing of the source is in a thumbnail but its pixels."""
    picture = Pillow.open(io.BytesIO(thumb))
    assert not {"exif", "xmp", "icc_profile", "comment"} & picture.info.keys()
    secrets = [*wanted.get("no_string_in_any_derivative", []), wanted.get("not_in_derivative", "<script")]
    for text in [*secrets, "PK\x03\x04", "EICAR", "root:x:0", "%PDF"]:
        assert text.encode("latin-1") not in thumb
    assert original[-40:] not in thumb


def assert_pixels(thumb, wanted):
    assert min(thumb.size) >= 1
    places = {"tl": (0, 0), "tr": (1, 0), "bl": (0, 1), "br": (1, 1)}
    width, height = thumb.size
    for place, color in wanted.get("corners", {}).items():
        right, low = places[place]
        found = thumb.convert("RGB").getpixel(
            (width // 8 + right * width * 3 // 4, height // 8 + low * height * 3 // 4)
        )
        assert all(abs(a - b) <= wanted["tolerance"] for a, b in zip(found, color, strict=True)), place
    if "mid_grey_at_centre" in wanted:
        grey = thumb.convert("RGB").getpixel((width // 2, height // 2))[0]
        assert abs(grey - wanted["mid_grey_at_centre"]) <= wanted["tolerance"]
    if "thumb" in wanted:  # a profile that swaps the colours round: red is shown as green
        red, green, _ = thumb.convert("RGB").getpixel((width // 8, height // 8))
        assert green > red


# --- Doors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("upload"))
def test_an_upload_ends_as_the_case_says(case, api, owner_client, settings):
    body, kind = body_of(case, contents(case), "file")
    answer = within_budget(case, lambda: api.send("POST", "/images", body, content_type=kind))
    assert answer.status_code < 500
    told = answer.json()
    is_taken = answer.status_code == 201
    assert ("accept" if is_taken else "reject") in outcomes(case), told
    if is_taken:
        (item,) = told["items"]
        assert_as_described(case, item, api, settings)
        if case["category"] == "filename":
            assert_page_escapes(item, owner_client, body, kind)
    else:
        assert_refused_with_a_reason(case, told)
        assert_nothing_was_kept(settings)
        assert_page_says_the_same(told, owner_client.post(reverse("add-upload"), body, content_type=kind))


def assert_page_says_the_same(told, page):
    assert page.status_code in {200, 400, 413, 422}
    if page.status_code == 200:
        assert told["detail"].split(". ")[0] in page.content.decode().replace("&#x27;", "'")


def assert_page_escapes(item, client, body, kind):
    image = Image.objects.get(public_id=item["id"])
    row = client.post(reverse("add-upload"), body, content_type=kind, headers={"HX-Request": "true"})
    assert row.status_code == 200
    pages = row.content.decode(), client.get(reverse("image", args=[item["id"]])).content.decode()
    if set(image.file_name) & set("<>\"'&"):
        assert not [page for page in pages if image.file_name in page]
    header = media.disposition(image.file_name, "png", download=True)
    assert header.isascii()
    assert header.isprintable()


@pytest.mark.parametrize("case", cases("zip"))
def test_an_archive_ends_as_the_case_says(case, api, settings, tmp_path):
    around = set(tmp_path.parent.iterdir())
    body, kind = body_of(case, contents(case), "archive")

    def bring_in():
        answer = api.send("POST", "/imports", body, content_type=kind)
        if answer.status_code != 202:
            return answer.json()
        importing.run(Import.objects.get().pk)
        return api.get(f"/imports/{answer.json()['id']}").json()

    told = within_budget(case, bring_in)
    came_in = told.get("images", [])
    assert ("accept" if came_in else "reject") in outcomes(case), told
    if not came_in:
        assert told.get("detail") or told.get("message")
        if case["expect"] == "reject":
            assert told["code"] == case["reason"], told
        assert_nothing_was_kept(settings)
    assert len(came_in) == case["assert"].get("imported", len(came_in))
    assert len(came_in) <= case["assert"].get("imported_max", len(came_in))
    assert set(tmp_path.parent.iterdir()) == around
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_symlink()]
    assert [path for path in settings.SPOOL_DIR.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("case", cases("raw-multipart"))
def test_a_form_ends_as_the_case_says(case, api, owner, settings):
    answer = within_budget(
        case, lambda: api.send("POST", "/images", contents(case), content_type=case["content_type"])
    )
    told = answer.json()
    assert answer.status_code < 500
    assert answer.status_code == case["assert"].get("status", answer.status_code)
    is_taken = answer.status_code == 201
    assert ("accept" if is_taken else "reject") in outcomes(case), told
    if is_taken:
        image = Image.objects.get(public_id=told["items"][0]["id"])
        assert image.owner == owner
        assert image.storage_key.startswith(f"uploaded/{owner.pk}/")
    else:
        assert_refused_with_a_reason(case, told)
        assert_nothing_was_kept(settings)


def test_the_corpus_is_whole():
    assert len(MANIFEST["cases"]) == MANIFEST["count"]
    assert {case["via"] for case in MANIFEST["cases"]} == {"upload", "zip", "raw-multipart"}
    assert receiving.RETRYABLE  # refusals of the corpus are about files, and none of these may be among them
    reasons = {case["reason"] for case in MANIFEST["cases"]} - {None}
    assert not reasons & receiving.RETRYABLE
