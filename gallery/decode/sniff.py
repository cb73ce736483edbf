"""Tell file types apart by their first bytes, never by name or by what the sender says."""

from collections.abc import Iterator

from gallery.decode import errors

HEAD_BYTES = 1024

MIME_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
}
MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}
GIF_VERSIONS = (b"GIF87a", b"GIF89a")

# Types that people really try, so that the sentence can name theirs.
PICTURES = (
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"BM", "BMP"),
    (b"8BPS", "PSD"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"icns", "ICNS"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"gimp xcf", "XCF"),
)
OTHERS = (
    (b"%PDF", "A PDF document"),
    (b"PK\x03\x04", "A ZIP archive"),
    (b"PK\x05\x06", "A ZIP archive"),
    (b"\x1f\x8b", "A gzip archive"),
    (b"\x1aE\xdf\xa3", "A video"),
    (b"OggS", "An audio file"),
    (b"ID3", "An audio file"),
    (b"\x7fELF", "A program"),
    (b"MZ", "A program"),
    (b"#!", "A program"),
)
AVIF_BRANDS = {b"avif", b"avis"}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def picture_type(head: bytes) -> str:
    """Return the extension that fits the bytes: png, jpg, gif, webp or avif. Raises `DecodeError`."""
    for extension, magic in MAGIC.items():
        if head.startswith(magic):
            return extension
    if head.startswith(GIF_VERSIONS):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _iso_media_type(head)
    raise _refusal(head)


def _iso_media_type(head: bytes) -> str:
    brands = _brands(head)
    if brands & AVIF_BRANDS:
        return "avif"
    if brands & HEIF_BRANDS:
        raise errors.unsupported("HEIC")
    raise errors.not_a_picture("A video")


def _brands(head: bytes) -> set[bytes]:
    length = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12]} | {head[at : at + 4] for at in range(16, length - 3, 4)}


def _refusal(head: bytes) -> errors.DecodeError:
    if len(head) < 8 and any(magic.startswith(head) for magic in (*MAGIC.values(), *GIF_VERSIONS)):
        return errors.damaged()
    if any(_is_nearly(part, magic) for part, magic in _beginnings(head)):
        return errors.damaged()
    for magic, name in PICTURES:
        if head.startswith(magic):
            return errors.unsupported(name)
    for magic, name in OTHERS:
        if head.startswith(magic):
            return errors.not_a_picture(name)
    return _refusal_of_text(head.lower())


def _beginnings(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What `head` has where each format has its mark, beside that mark. JPEG's is too short to be guessed."""
    yield head[:8], MAGIC["png"]
    yield from ((head[:6], version) for version in GIF_VERSIONS)
    yield head[:4] + head[8:12], b"RIFFWEBP"
    yield from ((head[4:12], b"ftyp" + brand) for brand in AVIF_BRANDS)


def _is_nearly(part: bytes, magic: bytes) -> bool:
    """Whether one or two bits were lost on the way: the sender has a picture, and it is damaged."""
    wrong = (int.from_bytes(part) ^ int.from_bytes(magic)).bit_count()
    return len(part) == len(magic) and wrong <= 2


def _refusal_of_text(head: bytes) -> errors.DecodeError:
    if b"<svg" in head:
        return errors.unsupported("SVG")
    if b"<!doctype html" in head or b"<html" in head or b"<script" in head:
        return errors.not_a_picture("A web page")
    return errors.not_a_picture()
