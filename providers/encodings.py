"""Compressed bodies, undone piece by piece, so that a small bomb never becomes a large piece."""

import zlib
from collections.abc import Iterable, Iterator

PIECE = 64 * 1024  # bytes
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's wbits; 31: with the gzip header


class UnusableEncoding(ValueError):
    """The body is compressed in a way that is not read here, or damaged."""


def inflated(pieces: Iterable[bytes], content_encoding: str) -> Iterator[bytes]:
    """The body without its `Content-Encoding`, in pieces of at most `PIECE` bytes from compressed ones."""
    codings = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    codings = [name for name in codings if name != "identity"]
    if len(codings) > 2 or any(name not in CODINGS for name in codings):
        raise UnusableEncoding(f"the body is encoded as {content_encoding[:60]}")
    for name in reversed(codings):
        pieces = _inflate(pieces, CODINGS[name])
    return iter(pieces)


def _inflate(pieces: Iterable[bytes], wbits: int) -> Iterator[bytes]:
    """One compressed part after the other. What comes after a whole part and is none is left unread."""
    decoder, is_whole = zlib.decompressobj(wbits), False
    try:
        for piece in pieces:
            while piece:
                if decoder.eof:
                    decoder, is_whole = zlib.decompressobj(wbits), True
                plain = decoder.decompress(piece, PIECE)
                is_whole = is_whole and not plain
                yield plain
                piece = decoder.unused_data or decoder.unconsumed_tail
        yield decoder.flush()
    except zlib.error as exc:
        if is_whole:
            return
        raise UnusableEncoding("the compressed body is damaged") from exc
    if not (decoder.eof or is_whole):
        raise UnusableEncoding("the compressed body is cut off")
