import io
import os
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from gallery import decode
from gallery.decode import errors
from gallery.decode.fingerprints import SIDE, opaque, phash, thumbhash, tint
from tests.gallery.specimens import CORNERS, END, ROW, card, encode, ihdr, png


def thumbnail(decoded: decode.Decoded, size=320) -> Image.Image:
    return Image.open(io.BytesIO(decoded.thumbnails[size]))


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    image = image.convert("RGB")
    width, height = image.size
    return [image.getpixel((width // 8 + right * width * 3 // 4, height // 8 + low * height * 3 // 4))
            for right, low in CORNERS.values()]  # fmt: skip


def assert_upright_card(decoded: decode.Decoded, tolerance=40):
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    for found, wanted in zip(corners(thumbnail(decoded)), expected, strict=True):
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= tolerance
    assert (decoded.width, decoded.height) == (96, 64)


# --- What is taken in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "mime_type", "extension"),
    [
        ("PNG", {}, "image/png", "png"),
        ("JPEG", {"quality": 95}, "image/jpeg", "jpg"),
        ("JPEG", {"quality": 95, "progressive": True}, "image/jpeg", "jpg"),
        ("MPO", {"quality": 95}, "image/jpeg", "jpg"),
        ("GIF", {}, "image/gif", "gif"),
        ("WEBP", {"lossless": True}, "image/webp", "webp"),
        ("AVIF", {"quality": 90}, "image/avif", "avif"),
    ],
)
def test_each_format_is_known_by_its_bytes(inspect, kind, options, mime_type, extension):
    decoded = inspect(encode(card(), kind, **options))
    assert_upright_card(decoded)
    assert (decoded.mime_type, decoded.extension, decoded.frames) == (mime_type, extension, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(inspect, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that lays the upright card down
    lying = card().transpose(Image.Transpose(undo[orientation])) if orientation > 1 else card()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_upright_card(inspect(encode(lying, "JPEG", quality=95, exif=exif)))


def test_sixteen_bit_grey_is_scaled_not_clipped(inspect):
    data = encode(Image.new("I;16", (64, 64), 0x7FFF))
    assert abs(thumbnail(inspect(data)).convert("RGB").getpixel((32, 32))[0] - 127) <= 12


def test_cmyk_looks_as_browsers_show_it(inspect):
    assert_upright_card(inspect(encode(card(mode="CMYK"), "JPEG", quality=95)), tolerance=90)


def test_color_profile_is_applied(inspect):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_upright_card(inspect(encode(card(), "JPEG", quality=95, icc_profile=lab)))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA"])
def test_each_png_mode_is_read(inspect, mode):
    decoded = inspect(encode(card(mode=mode)))
    assert (decoded.width, decoded.height) == (96, 64)


def test_transparency_stays_in_the_thumbnail(inspect):
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 32, 64))
    found = thumbnail(inspect(encode(clear)))
    assert found.mode == "RGBA"
    assert found.getpixel((60, 32))[3] == 0
    assert found.getpixel((4, 32))[3] == 255


@pytest.mark.parametrize(("size", "small", "large"), [
    ((2000, 1000), (320, 160), (1280, 640)),
    ((500, 1000), (160, 320), (500, 1000)),
    ((100, 50), (100, 50), (100, 50)),
    ((5000, 1), (320, 1), (1280, 1)),
])  # fmt: skip
def test_thumbnails_fit_and_are_never_made_bigger(inspect, size, small, large):
    decoded = inspect(encode(Image.new("RGB", size, "teal")))
    assert (thumbnail(decoded, 320).size, thumbnail(decoded, 1280).size) == (small, large)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_of_an_animation_are_counted(inspect, kind):
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "lime", "blue", "white")]
    decoded = inspect(encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100))
    assert decoded.frames == 4
    assert thumbnail(decoded).convert("RGB").getpixel((16, 16))[0] > 200


def test_thumbnail_carries_nothing_of_the_source_but_its_pixels(inspect):
    exif = Image.Exif()
    exif[0x010E] = "GPS51.4772N0.0014W"
    data = encode(card(), "JPEG", exif=exif, comment=b"<?php secret", xmp=b"<x:xmpmeta>secret</x:xmpmeta>")
    for thumb in inspect(data).thumbnails.values():
        assert thumb[12:16] in (b"VP8 ", b"VP8L")
        assert b"GPS51" not in thumb
        assert b"secret" not in thumb


# --- What is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (encode(card(), "TIFF"), "unsupported_type", "TIFF is not supported. Save it as PNG and add it"),
        (encode(card(), "BMP"), "unsupported_type", "BMP is not supported."),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported_type", "HEIC is not supported."),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "unsupported_type", "A video is not a picture."),
        (b"%PDF-1.7", "unsupported_type", "A PDF document is not a picture."),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "unsupported_type", "SVG is not supported."),
        (b"<!DOCTYPE html><p>", "unsupported_type", "A web page is not a picture."),
        (b'{"error": "no"}', "unsupported_type", "This file is not a picture."),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported_type", "PostScript is not supported."),
        (b"\x89PN", "corrupt_image", "This file is damaged and could not be read."),
    ],
)  # fmt: skip
def test_other_files_are_named(refusal, data, code, words):
    error = refusal(data)
    assert error.code == code
    assert error.message.startswith(words)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_half_a_file_is_cut_off(refusal, kind):
    noise = Image.effect_noise((128, 128), 90).convert("RGB")
    data = encode(noise, kind)
    assert refusal(data[: len(data) // 2]).code == "truncated"


def test_too_many_pixels_are_told_with_both_numbers(refusal):
    error = refusal(png(ihdr(60_000, 60_000), ROW, END))
    assert error.code == "too_many_pixels"
    assert error.message == (
        "This picture has 60,000 × 60,000 pixels, 3,600 megapixels. The limit here is 100."
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_limit_of_pixels_holds_for_each_format(inspect, refusal, kind):
    data = encode(card(), kind)
    assert refusal(data, max_pixels=96 * 64 - 1).code == "too_many_pixels"
    assert inspect(data, max_pixels=96 * 64).width == 96


def test_one_long_side_is_refused(refusal):
    assert "One side" in refusal(png(ihdr(30_001, 1), ROW, END)).message


def test_too_many_frames_are_refused_before_they_are_decoded(refusal):
    frames = [Image.new("RGB", (4, 4), (40 * n, 0, 0)) for n in range(6)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert refusal(data, max_frames=5).code == "too_many_frames"
    assert "megapixels" in refusal(data, max_total_pixels=95).message


def test_text_that_unpacks_to_megabytes_is_refused(refusal, inspect):
    bomb = (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2_000_000)))
    assert refusal(png(ihdr(1, 1), bomb, ROW, END)).code == "metadata_too_large"
    fair = (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000)))
    assert inspect(png(ihdr(1, 1), fair, ROW, END)).width == 1


@pytest.mark.parametrize("chunks", [
    (ROW, END), (ihdr(0, 1), ROW, END), (ihdr(1, 1), ihdr(2, 2), ROW, END), (ihdr(1, 1), ROW),
    (ihdr(1, 1), END), (ihdr(1, 1), (b"fcTL", struct.pack(">7I", 0, 9, 9, 0, 0, 0, 0)), ROW, END),
])  # fmt: skip
def test_png_that_contradicts_itself_is_damaged(refusal, chunks):
    assert refusal(png(*chunks)).code in errors.DAMAGE


def test_any_bytes_behind_a_good_beginning_are_survived(refusal, inspect):
    noise = os.urandom(4096)
    for beginning in (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x1cftypavif",
    ):
        assert refusal(beginning + noise).code in (
            "corrupt_image",
            "truncated",
            "too_many_pixels",
            "too_many_frames",
        )
    assert inspect(encode(card())).width == 96


# --- Copies for others to look at -----------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    """The copy of a picture's bytes, opened."""

    def run(data: bytes) -> Image.Image:
        (tmp_path / "file").write_bytes(data)
        return Image.open(io.BytesIO(decode.as_jpeg(tmp_path / "file")))

    return run


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_copy_is_a_small_jpeg_of_any_picture(copied, kind):
    copy = copied(encode(card((2600, 1300)), kind))
    assert (copy.format, copy.mode, copy.size) == ("JPEG", "RGB", (1280, 640))


def test_copy_says_nothing_but_what_can_be_seen(copied):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}  # where it was taken
    exif[0x0112] = 6  # lies on its side
    copy = copied(encode(card((60, 40)), "JPEG", exif=exif, comment=b"secret"))
    assert copy.size == (40, 60)
    assert not copy.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & copy.info.keys()


def test_copy_of_a_transparent_picture_stands_on_white(copied):
    copy = copied(encode(Image.new("RGBA", (32, 32), (255, 0, 0, 0))))
    assert copy.getpixel((16, 16)) == (255, 255, 255)


def test_bytes_that_are_no_picture_cannot_be_copied(copied):
    with pytest.raises(decode.DecodeError):
        copied(b"GIF89a" + bytes(20))


# --- Fingerprints ---------------------------------------------------------------------------------


def grid(image: Image.Image) -> bytes:
    return image.convert("RGBA").resize((SIDE, SIDE)).tobytes()


def test_tint_is_the_color_of_top_and_bottom():
    image = Image.new("RGB", (32, 32), "white")
    image.paste("black", (0, 16, 32, 32))
    colors, _ = opaque(grid(image))
    assert tint(colors) == "3f00"


def test_phash_of_a_smaller_copy_is_near_and_of_another_picture_far():
    picture = Image.effect_mandelbrot((256, 256), (-2, -1.5, 1, 1.5), 60)
    first = phash(opaque(grid(picture))[0])
    near = phash(opaque(grid(picture.resize((90, 90))))[0])
    far = phash(opaque(grid(picture.transpose(Image.Transpose.ROTATE_90)))[0])
    assert (first ^ near).bit_count() <= 6
    assert (first ^ far).bit_count() >= 16
    assert -(2**63) <= first < 2**63


def test_thumbhash_says_average_color_and_shape():
    colors, alphas = opaque(grid(Image.new("RGB", (32, 32), (255, 0, 0))))
    wide, tall = thumbhash(colors, alphas, 200, 100), thumbhash(colors, alphas, 100, 200)
    light, yellow, red = wide[0] & 63, (wide[0] >> 6 | wide[1] << 2) & 63, (wide[1] >> 4 | wide[2] << 4) & 63
    assert (light, yellow, red) == (21, 47, 63)
    assert (wide[4] >> 7, tall[4] >> 7) == (1, 0)
    assert wide[3] & 7 == tall[3] & 7 == 4
    assert wide[2] >> 7 == 0


def test_thumbhash_marks_transparency_and_stays_short():
    image = Image.new("RGBA", (32, 32), (0, 128, 255, 90))
    colors, alphas = opaque(grid(image))
    data = thumbhash(colors, alphas, 64, 64)
    assert data[2] >> 7 == 1
    assert len(data) <= 32


# --- Masks ----------------------------------------------------------------------------------------


@pytest.fixture
def masked(tmp_path):
    """The mask that is made of a picture's bytes, opened."""

    def run(data: bytes) -> Image.Image:
        (tmp_path / "file").write_bytes(data)
        return Image.open(io.BytesIO(decode.as_mask(tmp_path / "file")))

    return run


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_mask_is_a_grey_png_as_large_as_the_picture(masked, kind):
    half = Image.new("RGB", (2600, 1300), "black")
    half.paste("white", (0, 0, 1300, 1300))
    mask = masked(encode(half, kind))
    assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (2600, 1300))
    assert mask.getpixel((10, 10)) > 250
    assert mask.getpixel((2590, 10)) < 5


def test_mask_is_white_where_the_picture_is_transparent(masked):
    clear = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    clear.paste((255, 255, 255, 255), (0, 0, 20, 40))
    mask = masked(encode(clear, "PNG"))
    assert (mask.getpixel((5, 5)), mask.getpixel((35, 5))) == (0, 255)
