"""Files made to cost much, to contradict themselves, or to be two things at once."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from gallery import decode, ingest
from gallery.decode import errors
from tests.gallery.specimens import (
    END,
    ROW,
    card,
    encode,
    flipped,
    gif,
    ihdr,
    jpeg_of_scans,
    png,
    segment,
    webp,
)

pytestmark = pytest.mark.thorough

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
REFUSALS = {
    "corrupt_image", "truncated", "unsupported_type", "too_many_pixels", "too_many_frames",
    "too_many_frame_pixels", "metadata_too_large", "decode_timeout",
}  # fmt: skip
VP8X = struct.Struct("<B3x3s3s")


def small(kind: str) -> bytes:
    return encode(card(), kind, **({"speed": 10} if kind == "AVIF" else {}))


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", VP8X.pack(flags, (width - 1).to_bytes(3, "little"), (height - 1).to_bytes(3, "little"))


def lossless(width: int, height: int) -> tuple[bytes, bytes]:
    """The header of a lossless WebP of that size, and next to nothing behind it."""
    return b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + bytes(20)


@pytest.fixture
def code_of(inspect):
    """Why bytes are not taken, in one word; "" for those that are."""

    def run(data: bytes) -> str:
        try:
            inspect(data)
        except errors.DecodeError as exc:
            return exc.code
        return ""

    return run


# --- Bombs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (png(ihdr(2**31 - 1, 2**31 - 1), ROW, END), "too_many_pixels"),
        (png(ihdr(10_100, 10_000), ROW, END), "too_many_pixels"),
        (encode(card(), "JPEG").replace(b"\0\x40\0\x60", b"\xff\xdc\xff\xdc", 1), "too_many_pixels"),
        (gif((65535, 65535), (1, 1)), "too_many_pixels"),
        (webp(lossless(16383, 16383)), "too_many_pixels"),
        (webp(canvas(1 << 24, 1 << 24), lossless(8, 8)), "too_many_pixels"),
        (gif((2000, 2000), *[(2000, 2000)] * 101), "too_many_frame_pixels"),
        (gif((4, 4), *[(4, 4)] * 301), "too_many_frames"),
        (png(ihdr(1, 1), (b"acTL", struct.pack(">II", 2**31 - 1, 0)), ROW, END), "too_many_frames"),
        (webp(canvas(8, 8, 2), *[(b"ANMF", bytes(24))] * 301), "too_many_frames"),
        (jpeg_of_scans(800, 800), "decode_timeout"),
    ],
    ids=["PNG", "PNG just over", "JPEG", "GIF", "WebP", "WebP canvas", "GIF frames", "GIF many frames",
         "APNG lie", "WebP many frames", "JPEG scans"],
)  # fmt: skip
def test_a_bomb_is_refused_by_what_it_says_of_itself(refusal, data, code):
    assert len(data) < 50_000
    assert refusal(data).code == code


def test_a_second_size_does_not_hide_the_first(refusal):
    giant = segment(0xC0, struct.pack(">BHHB", 8, 65_000, 65_000, 1) + b"\1\x11\0")
    assert refusal(b"\xff\xd8" + giant + encode(card(), "JPEG")[2:]).code == "too_many_pixels"


def test_a_picture_in_many_passes_is_read_up_to_a_point(inspect):
    assert inspect(jpeg_of_scans(80, 80)).width == 80


@pytest.mark.parametrize(
    "data",
    [
        gif((10, 10), (65535, 65535)),
        webp(canvas(10, 10), lossless(16383, 16383)),
        webp(canvas(10, 10, 2), (b"ANMF", bytes(6) + b"\xff\x3f\0\xff\x3f\0" + bytes(4) + b"VP8L")),
        png(ihdr(1, 1), ROW, (b"fcTL", struct.pack(">7I", 0, 40_000, 40_000, 0, 0, 0, 0)), END),
    ],
    ids=["GIF", "WebP", "WebP animation", "APNG"],
)
def test_a_frame_larger_than_its_canvas_costs_nothing(code_of, data):
    assert code_of(data) in {"", "too_many_pixels", *errors.DAMAGE}


def packed(kind: bytes, data: bytes) -> tuple[bytes, bytes]:
    head = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"iCCP": b"profile\0\0"}[kind]
    return kind, head + zlib.compress(data, 9)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_that_unpacks_to_megabytes_is_refused_whatever_its_kind(refusal, kind):
    assert refusal(png(ihdr(1, 1), packed(kind, bytes(30 << 20)), ROW, END)).code == "metadata_too_large"


@pytest.mark.parametrize("chunk", [packed(b"zTXt", bytes(900_000)), (b"tEXt", b"A\0" + b"x" * 900_000)])
def test_many_texts_add_up(inspect, refusal, chunk):
    assert inspect(png(ihdr(1, 1), *[chunk] * 8, ROW, END)).width == 1
    assert refusal(png(ihdr(1, 1), *[chunk] * 9, ROW, END)).code == "metadata_too_large"


@pytest.mark.parametrize("kind", [b"EXIF", b"XMP ", b"ICCP"])
def test_blocks_beside_a_webp_are_bounded(refusal, kind):
    data = webp(canvas(8, 8, 0x2C), (kind, bytes(1_100_000)), lossless(8, 8))
    assert refusal(data).code == "metadata_too_large"


def test_a_long_comment_in_a_gif_does_no_harm(inspect):
    comment = b"\x21\xfe" + (b"\xff" + b"x" * 255) * 4000 + b"\0"
    assert inspect(gif((8, 8), (8, 8), more=comment)).width == 8


def test_entities_and_addresses_in_xmp_are_never_looked_at(inspect):
    laughs = (
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "'
        + b"&a;" * 9000
        + b'"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    )
    data = encode(card(), "JPEG", xmp=laughs + b"<x:xmpmeta>&b;&f;</x:xmpmeta>")
    for thumb in inspect(data).thumbnails.values():
        assert b"root:" not in thumb


# --- Broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_anywhere_is_refused_or_whole(code_of, kind):
    data = small(kind)
    codes = {code_of(data[: len(data) * tenth // 10]) for tenth in range(1, 10)}
    assert codes <= {"", *errors.DAMAGE}
    assert codes & errors.DAMAGE


@pytest.mark.parametrize("kind", FORMATS)
def test_turned_bits_are_survived(code_of, kind):
    data = small(kind)
    assert {code_of(flipped(data, seed)) for seed in range(1, 13)} <= {"", *REFUSALS}
    assert code_of(data) == ""


@pytest.mark.parametrize("at", range(8))
def test_a_mark_that_lost_a_bit_is_a_damaged_picture_and_not_another_type(refusal, at):
    for kind in ("PNG", "GIF", "WEBP"):
        data = bytearray(encode(card(), kind))
        place = at if kind == "PNG" else at % 6 if kind == "GIF" else (*range(4), *range(8, 12))[at]
        data[place] ^= 1
        if bytes(data[:6]) in (b"GIF88a", b"GIF99a"):
            data[place] ^= 9
        assert refusal(bytes(data)).code == "corrupt_image", (kind, place)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        encode(card(), "JPEG").replace(
            b"\x08" + struct.pack(">HH", 64, 96), b"\x0c" + struct.pack(">HH", 64, 96)
        ),
        encode(card(), "JPEG").replace(struct.pack(">HH", 64, 96), bytes(4), 1),
        b"\xff\xd8"
        + segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 1) + b"\1\x11\0") * 2
        + encode(card(), "JPEG")[2:],
        b"RIFF\4\0\0\0WEBP",
        webp((b"EXIF", b"x")),
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
        b"GIF89a",
        gif((8, 8)),
        png(END),
        b"\x89",
    ],
)
def test_a_picture_without_pixels_is_damaged_and_not_cut_off(refusal, data):
    assert refusal(data).code == "corrupt_image"


# --- Two things at once ---------------------------------------------------------------------------

PAYLOADS = {
    "html": b"<script>alert(document.domain)</script>",
    "zip": b"PK\x03\x04" + bytes(26) + b"evil.class" + b"PK\x05\x06" + bytes(18),
    "jpeg": encode(Image.new("RGB", (32, 32), "red"), "JPEG"),
    "noise": b"TRAILING" * 4000,
}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("kind", FORMATS)
def test_what_hangs_behind_a_picture_is_not_in_its_thumbnails(inspect, kind, payload):
    data = small(kind)
    if kind == "AVIF":  # made of boxes to its end: the payload comes in one
        payload_bytes = struct.pack(">I4s", len(PAYLOADS[payload]) + 8, b"free") + PAYLOADS[payload]
    else:
        payload_bytes = PAYLOADS[payload]
    decoded = inspect(data + payload_bytes)
    assert (decoded.width, decoded.height) == (96, 64)
    assert decoded.thumbnails == inspect(data).thumbnails


def test_a_script_in_the_header_of_a_gif_stays_there(inspect):
    data = bytearray(gif((0x2A2F, 8), (8, 8), more=b"\x21\xfe\x0a*/=1;alert()\0"[:13] + b"\0"))
    for thumb in inspect(bytes(data)).thumbnails.values():
        assert b"alert" not in thumb


# --- Pixels ---------------------------------------------------------------------------------------


def swapped_primaries() -> bytes:
    """An ICC profile in which the red of sRGB is called green, green blue, and blue red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {profile[at : at + 4].decode(): at + 4 for at in range(132, 132 + 12 * profile[131], 12)}
    red, green, blue = (bytes(profile[table[n] : table[n] + 8]) for n in ("rXYZ", "gXYZ", "bXYZ"))
    for name, place in (("rXYZ", green), ("gXYZ", blue), ("bXYZ", red)):
        profile[table[name] : table[name] + 8] = place
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_a_profile_is_converted_away(inspect, kind):
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    decoded = inspect(encode(red, kind, icc_profile=swapped_primaries(), quality=95))
    thumb = Image.open(io.BytesIO(decoded.thumbnails[320]))
    found = thumb.convert("RGB").getpixel((32, 32))
    assert found[1] > 200
    assert max(found[0], found[2]) < 90
    assert "icc_profile" not in thumb.info


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_profile_of_another_kind_of_colour_harms_nothing(code_of, mode):
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"CMYK"
    data = encode(card(mode=mode), "JPEG", icc_profile=bytes(profile))
    assert code_of(data) in {"", "corrupt_image"}


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(inspect, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = inspect(encode(card(), "JPEG", exif=exif))
    assert (decoded.width, decoded.height) == (96, 64)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_counts_beside_jpeg_too(inspect, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = inspect(encode(card(), kind, exif=exif))
    assert (decoded.width, decoded.height) == (64, 96)
    assert Image.open(io.BytesIO(decoded.thumbnails[320])).size == (64, 96)


def png_of(mode: int, depth: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one pixel in a colour type that Pillow cannot write."""
    head = (b"IHDR", struct.pack(">IIBBBBB", 1, 1, depth, mode, 0, 0, 0))
    return png(head, *chunks, (b"IDAT", zlib.compress(b"\0" + row)), END)


@pytest.mark.parametrize(
    ("data", "pixel"),
    [
        (png_of(2, 16, b"\xff\xff\x80\x00\x00\x00"), (255, 128, 0, 255)),
        (png_of(6, 16, b"\x00\x00\xff\xff\x00\x00\x80\x00"), (0, 255, 0, 128)),
        (png_of(4, 16, b"\x80\x00\xff\xff"), (128, 128, 128, 255)),
        (png_of(0, 1, b"\x80"), (255, 255, 255, 255)),
        (png_of(0, 16, b"\x40\x00"), (64, 64, 64, 255)),
        (png_of(2, 8, b"\x0a\x14\x1e", (b"tRNS", b"\0\x0a\0\x14\0\x1e")), (None, None, None, 0)),
        (png_of(0, 8, b"\x0a", (b"tRNS", b"\0\x0a")), (None, None, None, 0)),
        (png_of(0, 1, b"\x80", (b"tRNS", b"\0\1")), (None, None, None, 0)),
        (png_of(0, 16, b"\x12\x34", (b"tRNS", b"\x12\x34")), (None, None, None, 0)),
        (png_of(3, 8, b"\1", (b"PLTE", b"\0\0\0\xff\0\0"), (b"tRNS", b"\xff\0")), (None, None, None, 0)),
        (png_of(3, 8, b"\0", (b"PLTE", b"\x10\x20\xf0\xff\0\0"), (b"tRNS", b"\xff\0")), (16, 32, 240, 255)),
    ],
)
def test_each_depth_and_transparency_of_png_is_right(inspect, data, pixel):
    thumb = Image.open(io.BytesIO(inspect(data).thumbnails[320])).convert("RGBA")
    for found, wanted in zip(thumb.getpixel((0, 0)), pixel, strict=True):
        assert wanted is None or abs(found - wanted) <= 6, (thumb.getpixel((0, 0)), pixel)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_place_and_comment_leave_neither_thumbnail_nor_copy(inspect, tmp_path, kind):
    exif = Image.Exif()
    exif[0x010E] = "GPSLatitude 51.4772N"
    exif.get_ifd(0x8825)[1] = "N"
    texts = {} if kind == "PNG" else {"xmp": b"<x>secret</x>"}
    comment = {"comment": b"<?php secret"} if kind == "JPEG" else {}
    decoded = inspect(encode(card(), kind, exif=exif, **texts, **comment))
    for copy in (*decoded.thumbnails.values(), decode.as_jpeg(tmp_path / "file")):
        assert not {b for b in (b"GPSLat", b"secret", b"Exif", b"http://ns.adobe") if b in copy}


# --- Names that say svg ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg_not_supported"),
        ("a.SVG", b"\xff\xfe<\0s\0v\0g\0", "svg_not_supported"),
        ("a.svgz", b"\x1f\x8b\x08" + bytes(20), "svg_not_supported"),
        ("a.png", b"<svg onload=alert(1)>", "unsupported_type"),
        ("a.png", b"\xef\xbb\xbf<?xml?><svg/>", "unsupported_type"),
    ],
)
def test_svg_is_named_as_what_it_is(owner, name, data, code):
    with pytest.raises(ingest.IngestError) as caught:
        ingest.store(owner, data, source="upload", file_name=name)
    assert caught.value.code == code
    assert "SVG is not supported." in caught.value.message
