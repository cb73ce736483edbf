"""Pictures that tests make for themselves, whole and broken ones."""

import io
import struct
import zlib

from PIL import Image, ImageDraw

CORNERS = {"red": (0, 0), "lime": (1, 0), "blue": (0, 1), "yellow": (1, 1)}


def card(size=(96, 64), mode="RGB") -> Image.Image:
    """A picture with a colour of its own in each corner."""
    image = Image.new("RGB", size)
    draw, (width, height) = ImageDraw.Draw(image), size
    for color, (right, low) in CORNERS.items():
        left, top = right * width // 2, low * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), color)
    return image.convert(mode)


def encode(image: Image.Image, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
             for kind, body in chunks]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ihdr(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


END = (b"IEND", b"")
ROW = (b"IDAT", zlib.compress(b"\0\0\0\0"))


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_of_scans(side: int, count: int) -> bytes:
    """A progressive JPEG with up to 882 passes, each of one bit of one coefficient and all empty."""
    table = bytes([1] + [0] * 15)  # one code of one bit
    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(
        0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"
    )
    head += segment(0xC4, b"\0" + table + b"\0") + segment(0xC4, b"\x10" + table + b"\xe0")
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes((side // 8) ** 2 // 8)
    passes = [(k, high) for k in range(1, 64) for high in range(13, -1, -1)][:count]
    rest = [
        segment(0xDA, bytes([1, 1, 0, k, k, (0 if high == 13 else high + 1) << 4 | high])) + b"\0\0\0\xff\0"
        for k, high in passes
    ]
    return b"\xff\xd8" + head + first + b"".join(rest) + b"\xff\xd9"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def gif(screen: tuple[int, int], *frames: tuple[int, int], more: bytes = b"") -> bytes:
    """A GIF of one-colour frames of the given sizes; each is a single code and the end, whatever its size."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\xff\0\0\0\0\xff" + more
    each = [b"\x2c" + struct.pack("<4HB", 0, 0, *size, 0) + b"\x02\x02\x44\x01\0" for size in frames]
    return head + b"".join(each) + b";"


def flipped(data: bytes, seed: int, bits: int = 6) -> bytes:
    """`data` with some bits turned round, the same ones for the same `seed`."""
    broken, state = bytearray(data), seed * 2654435761 % 2**32 or 1
    for _ in range(bits):
        state = (state * 1103515245 + 12345) % 2**31
        broken[state // 8 % len(broken)] ^= 1 << state % 8
    return bytes(broken)
