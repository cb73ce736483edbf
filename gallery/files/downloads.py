"""Downloads of many pictures: a ZIP that is settled when it is asked for, and made while it is sent.

What stands in it is written down with sizes and checksums, so that its length is known, an interrupted
download goes on where it stopped, and nothing of it changes when pictures are renamed in the meantime.
"""

import json
import re
import unicodedata
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from itertools import batched
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from gallery import audit
from gallery.bulk.selection import BulkError, Selection
from gallery.files import media, storage, zipping
from gallery.files.zipping import Entry
from gallery.language.numerals import thousands
from gallery.models import Download, Image
from gallery.search import tiles

AT_ONCE = 500  # pictures in one query
MOST = 200_000  # pictures in one archive
CHECKED = 2_000  # pictures that are looked for beforehand where each look is a request
MAX_NAME = 100  # characters, without number and ending
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')  # on some system or other
NAMED = 4  # tags in one name
MISSING = "Missing images.txt"


def create(selection: Selection) -> Download:
    """Settle the archive of `selection`. Raises `BulkError` when there is nothing to put in."""
    if not len(selection):
        raise BulkError("ids", gettext("None of these images is here any more. Load the page again."))
    if len(selection) > MOST:
        raise BulkError(
            "q",
            gettext("These are {n} images. Download at most {most} at once.").format(
                n=thousands(len(selection)), most=thousands(MOST)
            ),
        )
    try:
        storage.probe()
        rows = list(_entries(selection))
    except storage.StorageError as exc:
        raise BulkError("ids", exc.message) from exc
    lines = "\n".join(map(line, rows))
    download = Download(owner=selection.owner, n=sum(bool(row.key) for row in rows), entries=lines)
    download.name = f"{_stem(selection.query) or settings.SITE_NAME} {timezone.localdate()}.zip"
    download.bytes = zipping.length(entries(download))
    download.save()
    return download


def entries(download: Download) -> Iterator[Entry]:
    """Read the list line by line: all of it at once would take more memory than what is sent."""
    text, start = download.entries, 0
    while start < len(text):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        key, name, size, crc, time, inside = json.loads(text[start:stop])
        yield Entry(key=key, name=name, size=size, crc=crc, time=time, text=inside.encode())
        start = stop + 1


def pieces(download: Download, first: int, end: int) -> Iterator[bytes]:
    """Give the archive's bytes from `first` to before `end`. Needs no database. Raises `StorageError`."""
    return zipping.pieces(lambda: entries(download), _open, first, end)


def respond(request, download: Download):
    """Answer `request` with the archive. Its ETag never changes, for nothing in it does."""
    if request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        audit.note(audit.Verb.EXPORTED, download.owner_id, f"{download.name}, {download.n:,} images")
    etag = f'"{download.public_id}"'
    return media.respond_with_zip(request, download.name, download.bytes, etag, partial(pieces, download))


def _open(key: str, offset: int) -> BinaryIO:
    try:
        return storage.open(key, offset)
    except FileNotFoundError:  # gone since: zipping puts zeros in its place, which readers report
        return BytesIO()


# --- What stands in it ----------------------------------------------------------------------------


def line(entry: Entry) -> str:
    """How an entry stands in `Download.entries`."""
    parts = [entry.key, entry.name, entry.size, entry.crc, entry.time, entry.text.decode()]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _entries(selection: Selection) -> Iterator[Entry]:
    taken: set[str] = set()
    missing: list[str] = []
    for keys in batched(selection.keys, AT_ONCE):
        found = Image.objects.owned_by(selection.owner).in_bulk(keys)
        images = [found[key] for key in keys if key in found]
        lost = _lost(images) if _can_look(selection) else set()
        for image, tile in zip(images, tiles(images), strict=True):
            entry = _entry(image, _name(image, tile, taken))
            if image.pk in lost:
                missing.append(entry.name)
            else:
                yield entry
    if missing:
        yield _about(missing)


def _entry(image: Image, name: str) -> Entry:
    time = zipping.dos_time(timezone.localtime(image.created_at))
    return Entry(key=image.storage_key, name=name, size=image.bytes, crc=image.crc32, time=time)


def _can_look(selection: Selection) -> bool:
    return settings.MEDIA_STORAGE == "local" or len(selection) <= CHECKED


def _lost(images: list[Image]) -> set[int]:
    """Keys of the pictures whose file is not there, or not whole."""
    sizes = _sizes([image.storage_key for image in images])
    return {image.pk for image, size in zip(images, sizes, strict=True) if size != image.bytes}


def _sizes(keys: list[str]) -> list[int | None]:
    if settings.MEDIA_STORAGE == "local":
        return [_size(key) for key in keys]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_size, keys))


def _size(key: str) -> int | None:
    try:
        return storage.size(key)
    except FileNotFoundError:
        return None


def _about(missing: list[str]) -> Entry:
    """The file that says which pictures could not be put in."""
    text = "\n".join(["The files of these images are missing from storage:", *missing, ""]).encode()
    time = zipping.dos_time(timezone.localtime())
    return Entry(name=MISSING, size=len(text), crc=zlib.crc32(text), time=time, text=text)


# --- Names ----------------------------------------------------------------------------------------


def _name(image: Image, tile: dict[str, Any], taken: set[str]) -> str:
    """A name that every system takes and no other file of the archive has: "2026-11-22 Mirel.png"."""
    day = timezone.localtime(image.created_at).date().isoformat()
    said = image.title or ", ".join(name for _, name in tile["tags"][:NAMED])
    stem = f"{day} {_stem(said) or _stem(image.file_name.rpartition('.')[0])}".strip()
    ending = image.storage_key.rpartition(".")[2]
    number, name = 1, f"{stem}.{ending}"
    while name.casefold() in taken:
        number += 1
        name = f"{stem} ({number}).{ending}"
    taken.add(name.casefold())
    return name


def _stem(text: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] != "C")
    return " ".join(FORBIDDEN.sub(" ", visible).split())[:MAX_NAME].strip(". ")
