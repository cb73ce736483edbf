"""Some real pictures that all pictures of a made-up library share: drawn once, then linked."""

import hashlib
import os
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from django.conf import settings

from gallery import decode
from gallery.files import storage
from providers import painting

SIZES = (
    (1024, 1536),
    (1536, 1024),
    (1024, 1024),
    (832, 1216),
    (1216, 832),
    (1280, 720),
    (640, 960),
    (2048, 2048),
)
OFTEN = (30, 18, 18, 10, 8, 8, 6, 2)  # how often each size comes
WEBP = "image/webp"


@dataclass(frozen=True, kw_only=True)
class Sample:
    path: str
    thumbnails: dict[int, str]  # longest side in pixels → path
    crc32: int
    bytes: int
    decoded: decode.Decoded


def draw(n: int, on_progress: Callable[[int], None] = lambda done: None) -> list[Sample]:
    """Draw `n` pictures, or take those that were drawn before."""
    folder = settings.DATA_DIR / "seed"
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(n):
        samples.append(_sample(folder / f"{number}.webp", number))
        on_progress(number + 1)
    return samples


def _sample(path: Path, number: int) -> Sample:
    if not path.exists():
        _paint(path, number)
    data = path.read_bytes()
    decoded = decode.inspect(path)
    thumbnails = {size: _thumbnail(path, size, data) for size, data in decoded.thumbnails.items()}
    return Sample(
        path=str(path), thumbnails=thumbnails, crc32=zlib.crc32(data), bytes=len(data), decoded=decoded
    )


def _paint(path: Path, number: int) -> None:
    dice = Random(number)  # noqa: S311
    (size,) = dice.choices(SIZES, OFTEN)
    prompt = hashlib.sha256(str(number // 3).encode()).hexdigest()[:12]
    unfinished = path.with_suffix(".part")
    painting.paint(prompt, number, *size).save(unfinished, "WEBP", quality=80, method=0)
    unfinished.chmod(0o600)
    unfinished.rename(path)


def _thumbnail(path: Path, size: int, data: bytes) -> str:
    thumbnail = path.with_name(f"{path.stem}-{size}.webp")
    thumbnail.write_bytes(data)
    thumbnail.chmod(0o600)
    return str(thumbnail)


def publish(sample: Sample, original: str, thumbnails: Callable[[int], str]) -> None:
    """Store the files of `sample` under the keys of one more picture."""
    _store(sample.path, original)
    for size, path in sample.thumbnails.items():
        _store(path, thumbnails(size))


def _store(path: str, key: str) -> None:
    if settings.MEDIA_STORAGE != "local":
        storage.put(key, Path(path), WEBP)
        return
    target = f"{settings.MEDIA_ROOT}/{key}"
    try:
        os.link(path, target)
    except FileNotFoundError:
        storage.make_folders(Path(target).parent, settings.MEDIA_ROOT)
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:  # too many links to one file, or another disk
        shutil.copy(path, target)
