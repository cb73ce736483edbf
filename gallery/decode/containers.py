"""Walk the outer structure of a file, without decoding it: size, frames, and how much it carries beside them.

Decoders find out about a bomb by unpacking it. These walks read lengths and skip, so what they cost depends
on the bytes that really came.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

from gallery.decode import Limits, errors

U16, U32 = struct.Struct(">H"), struct.Struct(">I")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What a file says about itself. AVIF says it to its decoder only, so there all is None but frames."""

    width: int | None = None
    height: int | None = None
    frames: int = 1

    def check(self, limits: Limits) -> None:
        if self.width is not None and self.height is not None:
            check_size(self.width, self.height, limits)
            if self.frames > 1 and self.frames * self.width * self.height > limits.max_total_pixels:
                raise errors.too_many_frame_pixels(limits.max_total_pixels)


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raise `DecodeError` for a picture without area or over the limits."""
    if width < 1 or height < 1:
        raise errors.damaged()
    if width * height > limits.max_pixels:
        raise errors.too_many_pixels(width, height, limits.max_pixels)
    if max(width, height) > limits.max_side:
        raise errors.too_long_a_side(max(width, height), limits.max_side)


def outline(kind: str, data: bytes | bytearray, limits: Limits) -> Outline:
    """Walk the file and check what it says against `limits`. Raises `DecodeError`."""
    try:
        found = WALKS[kind](memoryview(data), limits)
    except (IndexError, struct.error) as exc:  # the file ends inside a length
        raise errors.damaged() from exc
    found.check(limits)
    return found


def read_outline(kind: str, data: bytes | bytearray, limits: Limits) -> Outline:
    """The outline; of a damaged file, where that is tolerated, nothing but what its decoder will tell."""
    try:
        return outline(kind, data, limits)
    except errors.DecodeError as exc:
        if not limits.tolerant or exc.code not in errors.DAMAGE:
            raise
        return Outline()


def _count(frames: int, limits: Limits) -> int:
    if frames > limits.max_frames:
        raise errors.too_many_frames(limits.max_frames)
    return frames


def _cut_or_damaged(has_end: bool) -> errors.DecodeError:
    """What to say of a part that is longer than the file: with its last bytes there, a length is wrong."""
    return errors.damaged() if has_end else errors.truncated()


# --- PNG: https://www.w3.org/TR/png-3/ ------------------------------------------------------------


_PNG_END_SUM = b"\xaeB`\x82"  # CRC of the empty last chunk


MAX_TEXTS = 8  # all texts of a file together, to one


def _png(data: memoryview, limits: Limits) -> Outline:
    width = height = None
    frames = texts = 0
    for kind, body in _png_chunks(data):
        if kind == b"IHDR":
            if width is not None:
                raise errors.damaged()
            width, height = U32.unpack_from(body)[0], U32.unpack_from(body, 4)[0]
            check_size(width, height, limits)
        elif width is None or height is None:
            raise errors.damaged()
        elif kind == b"acTL":
            _count(U32.unpack_from(body)[0], limits)
        elif kind == b"fcTL":
            frames = _count(frames + 1, limits)
            _check_png_frame(body, width, height)
        elif kind in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"):
            texts += _check_png_text(kind, body, limits)
            if texts > MAX_TEXTS * limits.max_text_bytes:
                raise errors.too_much_text(MAX_TEXTS * limits.max_text_bytes)
    if width is None:
        raise errors.damaged()
    return Outline(width=width, height=height, frames=max(1, frames))


def _png_chunks(data):
    at, end_mark = 8, bytes(data[-8:])
    has_end = end_mark.startswith(b"IEND") or end_mark.endswith(_PNG_END_SUM)
    while True:
        if at > 8 and at + 8 > len(data):
            raise _cut_or_damaged(has_end)
        length, kind = U32.unpack_from(data, at)[0], bytes(data[at + 4 : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise _cut_or_damaged(has_end)
        yield kind, data[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end


def _check_png_frame(body, width, height):
    frame_width, frame_height, left, top = struct.unpack_from(">4I", body, 4)
    if left + frame_width > width or top + frame_height > height:
        raise errors.damaged()


def _check_png_text(kind, body, limits) -> int:
    """Returns how many bytes the text unpacks to."""
    if len(body) > limits.max_text_bytes:
        raise errors.too_much_text(limits.max_text_bytes)
    packed = _packed_part(kind, body)
    if not packed:
        return len(body)
    try:
        unpacked = len(zlib.decompressobj().decompress(packed, limits.max_text_bytes + 1))
    except zlib.error:
        return len(body)  # unreadable text beside a readable picture does no harm
    if unpacked > limits.max_text_bytes:
        raise errors.too_much_text(limits.max_text_bytes)
    return unpacked


def _packed_part(kind, body) -> bytes:
    keyword, _, rest = bytes(body).partition(b"\0")
    if kind in (b"zTXt", b"iCCP"):
        return rest[1:]
    if kind == b"iTXt" and rest[:1] == b"\1":
        return rest[2:].split(b"\0", 2)[-1]
    return b""


# --- JPEG: ITU-T T.81 -----------------------------------------------------------------------------

_END_OF_JPG, _SCAN_OF_JPG = re.compile(rb"\xff\xd9"), re.compile(rb"\xff\xda")
# Each pass over a progressive picture costs the time of a whole one, and some twenty bytes; cameras and
# programs use about ten.
MAX_SCANS = 100
_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpg(data: memoryview, limits: Limits) -> Outline:
    """Read the size, and see that the pixels have an end: the decoder would paint the missing rest grey."""
    found, at = None, 2
    while True:
        if data[at] != 0xFF:
            raise errors.damaged()
        marker = data[at + 1]
        if marker in _SIZE_MARKERS:
            found = _jpg_size(data, at)
            found.check(limits)  # each of them: which one counts, decoders do not agree on
        elif marker == 0xDA:  # pixels, in which FF D9 can only be the end
            if found is None:
                raise errors.damaged()
            _check_jpg_pixels(data, at)
            return found
        elif marker == 0xD9:
            raise errors.damaged()
        at += _jpg_step(data, at, marker)
        if at > len(data):
            raise _cut_or_damaged(bytes(data[-2:]) == b"\xff\xd9")


def _check_jpg_pixels(data, at):
    end = _END_OF_JPG.search(data, at)
    if end is None:
        raise errors.truncated()
    if len(_SCAN_OF_JPG.findall(data, at, end.start())) > MAX_SCANS:
        raise errors.timeout()


def _jpg_step(data, at, marker):
    if marker == 0xFF:  # padding
        return 1
    if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these carry nothing
        return 2
    return 2 + U16.unpack_from(data, at + 2)[0]


def _jpg_size(data, at):
    precision, height, width = struct.unpack_from(">BHH", data, at + 4)
    if precision != 8:
        raise errors.damaged()
    return Outline(width=width, height=height)


# --- GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt ------------------------------------------


def _gif(data: memoryview, limits: Limits) -> Outline:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    check_size(width, height, limits)
    at, frames = 13 + _color_table(flags), 0
    while at < len(data) and data[at] != 0x3B:
        if data[at] == 0x2C:
            frames = _count(frames + 1, limits)
            at = _after_blocks(data, at + 11 + _color_table(data[at + 9]))
        elif data[at] == 0x21:
            at = _after_blocks(data, at + 2)
        else:  # decoders stop at the first unknown block as well
            break
    if at > len(data):  # only the last byte, which says "end", is often missing
        raise _cut_or_damaged(data[-1] == 0x3B)
    if not frames:
        raise errors.damaged()
    return Outline(width=width, height=height, frames=frames)


def _color_table(flags):
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data, at):
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1


# --- WebP: RFC 9649 -------------------------------------------------------------------------------

_WEBP_PIXELS = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")


def _webp(data: memoryview, limits: Limits) -> Outline:
    size = frames = None
    for kind, body in _riff_chunks(data):
        if kind == b"ANMF":
            frames = _count((frames or 0) + 1, limits)
        elif kind in (b"EXIF", b"XMP ", b"ICCP") and len(body) > limits.max_text_bytes:
            raise errors.too_much_text(limits.max_text_bytes)
        elif size is None:
            size = _webp_size(kind, body)
            if size:
                check_size(*size, limits)
    if size is None:
        raise errors.damaged()
    return Outline(width=size[0], height=size[1], frames=frames or 1)


def _riff_chunks(data):
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data) and bytes(data[at : at + 4]) in _WEBP_PIXELS:
            raise _cut_or_damaged(8 + int.from_bytes(data[4:8], "little") <= len(data))
        yield bytes(data[at : at + 4]), data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def _webp_size(kind, body) -> tuple[int, int] | None:
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        across, down = struct.unpack_from("<HH", body, 6)
        return across & 0x3FFF, down & 0x3FFF
    return None


# --- AVIF: ISO/IEC 14496-12 and 23008-12 ------------------------------------------------------------


def _avif(data: memoryview, limits: Limits) -> Outline:
    """Check only that the outermost boxes are whole; sizes are nested deep and come from the decoder."""
    boxes = list(_boxes(data))
    if not {b"meta", b"moov"} & {kind for kind, _ in boxes}:
        raise errors.damaged()
    for (_, start), (_, end) in pairwise([*boxes, (b"", len(data))]):
        if not start < end <= len(data):
            raise errors.damaged()
    return Outline()


def _boxes(data):
    at = 0
    while at + 8 <= len(data):
        length, kind = U32.unpack_from(data, at)[0], bytes(data[at + 4 : at + 8])
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16])
        yield kind, at
        if length == 0:  # up to the end
            return
        if length < 8:
            raise errors.damaged()
        if at + length > len(data):  # pixels come last: with their box in sight, another's length is wrong
            raise _cut_or_damaged(kind != b"mdat" and data.obj.find(b"mdat", at) >= 0)
        at += length


WALKS = {"png": _png, "jpg": _jpg, "gif": _gif, "webp": _webp, "avif": _avif}
