"""A picture's way in, against bare libvips on the same encodes, django-imagekit, and Pillow as one begins."""

import io
import os
import random
import resource
import time
from pathlib import Path
from statistics import median

from django.conf import settings

from gallery import ingest
from gallery.decode import Limits
from gallery.decode.pool import Pool
from gallery.models import Image, User
from tests.bench import machine
from tests.bench.rows import Row
from tests.soak.watching import children_of

ROUNDS = 4
MEMORY = 120  # MiB


def measure() -> list[Row]:
    owner = User.objects.create_user("bench-intake")
    rows = []
    for label, size, form in (("PNG 4096²", (4096, 4096), "PNG"), ("JPEG 12 MP", (4000, 3000), "JPEG")):
        times: dict[str, list[float]] = {"ours": [], "libvips": [], "imagekit": [], "pillow": []}
        for number in range(ROUNDS):
            path = _photo(size, form, number)
            times["libvips"].append(_cpu(lambda p=path: _bare_libvips(p)))
            times["ours"].append(_cpu(lambda p=path: _ours(owner, p)))
            times["imagekit"].append(_cpu(lambda p=path: _imagekit(p)))
            times["pillow"].append(_cpu(lambda p=path: _pillow(p)))
            path.unlink()
        ours, vips, imagekit, pillow = (median(values) for values in times.values())
        rows.append(_row(label, ours, "bare libvips", vips, 0.9))
        rows.append(_row(label, ours, "django-imagekit", imagekit, 3.0 if form == "PNG" else None))
        rows.append(_row(label, ours, "Pillow, opened for each step", pillow, None))
    return [*rows, _memory()]


def _memory() -> Row:
    """In fresh decode processes: the peak after a picture of 4096 pixels, over that after one of 64."""
    peaks = []
    for side in (64, 4096):
        pool, path = Pool(1), _photo((side, side), "PNG", side)
        pool.inspect(path, Limits())
        peaks.append(machine.peak(pool.children[0].process.pid))
        pool.close()
        path.unlink()
    return Row(
        number=7, work="memory for one PNG 4096²", measured=f"+{peaks[1] - peaks[0]:.0f} MiB",
        goal=f"≤ {MEMORY} MiB", met=peaks[1] - peaks[0] <= MEMORY,
    )  # fmt: skip


def _row(label: str, ours: float, name: str, other: float, goal: float | None) -> Row:
    ratio = other / ours
    return Row(
        number=7, work=f"take in one {label}, {ROUNDS} pictures", measured=f"{ours * 1000:.0f} ms CPU",
        against=f"{name} {other * 1000:.0f} ms", ratio=f"{ratio:.2f}×",
        goal=f"≥ {goal:g}×" if goal else "", met=goal is None or ratio >= goal,
    )  # fmt: skip


def _ours(owner, path: Path) -> None:
    with path.open("rb") as stream:
        ingest.store(owner, stream, source=Image.Source.UPLOAD, file_name=path.name)


def _bare_libvips(path: Path) -> None:
    import pyvips

    large = pyvips.Image.thumbnail(str(path), 1280, height=1280, size="down")
    large = large.copy_memory()
    large.webpsave_buffer(Q=80, effort=4, keep="none")
    large.thumbnail_image(320, height=320, size="down").webpsave_buffer(Q=80, effort=4, keep="none")


def _imagekit(path: Path) -> None:
    from imagekit import ImageSpec
    from imagekit.processors import ResizeToFit

    for side in (1280, 320):

        class Thumbnail(ImageSpec):
            processors = [ResizeToFit(side, side, upscale=False)]
            format = "WEBP"
            options = {"quality": 80}

        with path.open("rb") as stream:
            Thumbnail(source=stream).generate()


def _pillow(path: Path) -> None:
    """Checked, hashed and made small twice, each time from the file."""
    from hashlib import sha256

    from PIL import Image as Pillow
    from PIL import ImageOps

    sha256(path.read_bytes()).hexdigest()
    with Pillow.open(path) as picture:
        picture.verify()
    for side in (1280, 320):
        with Pillow.open(path) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((side, side))
            upright.save(io.BytesIO(), "WEBP", quality=80)


def _cpu(work) -> float:
    """CPU seconds of this process, its threads and the decode children."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    """Of the living children as well, which getrusage only counts once they have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return (
        own.ru_utime + own.ru_stime + sum(machine.cpu_seconds(int(pid)) for pid in children_of(os.getpid()))
    )


def _photo(size: tuple[int, int], form: str, number: int) -> Path:
    """A picture with soft shapes and grain, as a camera or a model makes them."""
    from PIL import Image as Pillow
    from PIL import ImageChops, ImageFilter

    random.seed(number)
    small = Pillow.effect_noise((size[0] // 64, size[1] // 64), 90).filter(ImageFilter.GaussianBlur(1))
    channels = [small.rotate(90 * turn).resize(size, Pillow.Resampling.BICUBIC) for turn in range(3)]
    soft = Pillow.merge("RGB", channels)
    grain = Pillow.effect_noise(size, 6).convert("RGB")
    photo = ImageChops.add(soft, grain, scale=1.2, offset=-60)
    buffer = io.BytesIO()
    photo.save(buffer, form, **({"quality": 90} if form == "JPEG" else {"compress_level": 3}))
    path = Path(settings.DATA_DIR) / f"{number}-{time.monotonic_ns()}.{form.lower()}"
    path.write_bytes(buffer.getvalue())
    return path
