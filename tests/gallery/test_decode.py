import io
import os
import signal
import struct
import sys
import threading
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageDraw

from gallery import decode
from gallery.decode import Limits, errors, pool, seccomp
from gallery.decode.fingerprints import SIDE, opaque, phash, thumbhash, tint

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


@pytest.fixture
def inspect(tmp_path):
    """Decode bytes in the shared children."""

    def run(data: bytes, **limits) -> decode.Decoded:
        path = tmp_path / "file"
        path.write_bytes(data)
        return decode.inspect(path, Limits(**limits))

    return run


@pytest.fixture
def refusal(inspect):
    def run(data: bytes, **limits) -> decode.DecodeError:
        with pytest.raises(decode.DecodeError) as caught:
            inspect(data, **limits)
        return caught.value

    return run


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


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
             for kind, body in chunks]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ihdr(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


END = (b"IEND", b"")
ROW = (b"IDAT", zlib.compress(b"\0\0\0\0"))


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


# --- The children ---------------------------------------------------------------------------------


@pytest.fixture
def child_that(monkeypatch, tmp_path):
    """Run a decode child whose `examine` has been replaced by Python source; return its DecodeError."""
    children = []

    def run(body: str, setup: str = "", more: str = "") -> decode.DecodeError:
        lines = [
            "import os, sys, socket; sys.path.insert(0, sys.argv[1])",
            "from gallery.decode import child, errors",
            more,
            f"def examine(*args):\n {body}",
            f"child.examine = examine; {setup}",
            "child.main()",
        ]
        monkeypatch.setattr(pool, "PROGRAM", "\n".join(lines))
        child = pool.Child()
        children.append(child)
        (tmp_path / "file").write_bytes(encode(card()))
        with pytest.raises(decode.DecodeError) as caught:
            child.run(tmp_path / "file", "png", Limits(), pool.examine)
        return caught.value

    run.children = children
    yield run
    for child in children:
        child.stop()


def probe(attempt: str) -> str:
    """The source of an `examine` that tells what the system says to `attempt`."""
    return f"try: {attempt}\n except OSError as exc: raise errors.DecodeError('probe', exc.strerror)"


@pytest.mark.parametrize("attempt", [
    "open('/etc/passwd')", "open('/tmp/x', 'w')", "socket.socket()", "os.pipe()", "os.listdir('/')",
])  # fmt: skip
def test_child_can_open_nothing_even_where_calls_are_not_filtered(child_that, attempt):
    error = child_that(probe(attempt), setup="child.seccomp.confine = lambda: False")
    assert (error.code, error.message) == ("probe", "Too many open files")


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters system calls")


@linux
@pytest.mark.parametrize("attempt", [
    "open('/etc/passwd')", "os.unlink('{victim}')", "os.truncate('{victim}', 0)", "os.chmod('{victim}', 511)",
    "os.rename('{victim}', '{victim}2')", "os.mkdir('{victim}2')", "os.symlink('/', '{victim}2')",
    "socket.socket()", "socket.socketpair()",
    "os.fork()", "os.execv('/bin/true', ['true'])", "os.posix_spawn('/bin/true', ['true'], {{}})",
    "os.kill(os.getppid(), 0)", "os.kill(-1, 0)", "os.memfd_create('x')", "os.chroot('/')",
    "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)", "os.setpriority(os.PRIO_PROCESS, 0, 5)",
])  # fmt: skip
def test_child_that_was_taken_over_can_harm_nobody(child_that, tmp_path, attempt):
    victim = tmp_path / "victim"
    victim.write_text("still here")
    error = child_that(probe("import resource; " + attempt.format(victim=victim)))
    assert (error.code, error.message) == ("probe", "Operation not permitted")
    assert victim.read_text() == "still here"


@linux
@pytest.mark.parametrize("call", [
    "process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)", "process_vm_writev(os.getppid(), 0, 0, 0, 0, 0)",
    "ptrace(16, os.getppid(), 0, 0)", "connect(0, 0, 0)", "unshare(0)", "prlimit(os.getppid(), 7, 0, 0)",
])  # fmt: skip
def test_child_cannot_reach_the_server_by_its_library(child_that, call):
    body = (
        f"import ctypes; ctypes.set_errno(0); ctypes.CDLL(None, use_errno=True).{call};"
        " raise errors.DecodeError('probe', os.strerror(ctypes.get_errno()))"
    )
    assert child_that(body).message == "Operation not permitted"


@linux
def test_filter_holds_for_every_thread_and_lets_new_ones_start(child_that):
    names = "import threading\ntold, begin = [], threading.Event()"
    attempt = """
def attempt():
    begin.wait(30)
    try: os.unlink('/nowhere')
    except OSError as exc: told.append(exc.strerror)
early, late = threading.Thread(target=attempt, daemon=True), threading.Thread(target=attempt)"""
    body = (
        "begin.set(); late.start(); early.join(30); late.join(30); "
        "raise errors.DecodeError('probe', ' / '.join(told))"
    )
    error = child_that(
        body, setup="child.allow_memory = lambda *_: None; early.start()", more=names + attempt
    )
    assert error.message == "Operation not permitted / Operation not permitted"


def test_filter_knows_each_machine_it_is_made_for():
    for column, architecture in seccomp.MACHINES.values():
        steps = seccomp.filter_steps(column, architecture, 4711)
        assert len(steps) < 4096  # the kernel's limit
        assert steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
        jumps = [(at, step) for at, step in enumerate(steps) if step[0] != seccomp.RETURN]
        assert all(at + 1 + max(step[1:3]) < len(steps) for at, step in jumps)


def test_child_has_no_environment_no_rights_and_only_its_socket(child_that, inspect, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    inspect(encode(card()))
    body = "raise errors.DecodeError('probe', repr(dict(os.environ)))"
    assert "canary" not in child_that(body).message
    processes = [child.process for child in pool.shared_pool().children]
    process = next(process for process in processes if process and process.poll() is None)
    proc = Path(f"/proc/{process.pid}")
    assert b"canary" not in (proc / "environ").read_bytes()
    assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    assert sorted(os.listdir(proc / "fd")) == ["0", "1", "2"]


def test_memory_is_limited(child_that):
    assert child_that("bytearray(3 << 30)").code == "too_many_pixels"


def test_endless_work_ends_by_the_processor_limit(child_that):
    assert child_that("while True: pass", setup="child.CPU_SECONDS = 1").code == "decode_timeout"


def test_endless_waiting_ends_by_the_clock(child_that, monkeypatch):
    monkeypatch.setattr(pool, "JOB_SECONDS", 0.5)
    assert child_that("import time; time.sleep(60)").code == "decode_timeout"


@pytest.mark.parametrize(
    "end", ["os.abort()", "os._exit(3)", "os.kill(os.getpid(), 11)", "raise SystemError"]
)
def test_crash_of_a_decoder_means_a_damaged_file(child_that, end):
    assert child_that(end).code == "corrupt_image"


def test_child_that_cannot_start_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setattr(pool, "PROGRAM", "raise SystemExit(1)")
    with pytest.raises(decode.DecodeError) as caught:
        pool.Child().run(tmp_path / "file", "png", Limits(), pool.examine)
    assert caught.value.code == "decode_unavailable"


def test_process_that_is_killed_twice_over_one_file_needed_too_much(child_that):
    assert child_that("os.kill(os.getpid(), 9)").code == "too_many_pixels"


def test_picture_after_a_broken_one_has_all_the_memory(child_that, tmp_path):
    """Errors keep what was half decoded alive in circles until those are collected."""
    held = "import weakref\nalive = weakref.WeakSet()\nclass Held(Exception): pass"
    body = """
 if len(alive) or hasattr(Held, 'again'): raise errors.DecodeError('alive', str(len(alive)))
 error = Held()
 error.me, Held.again = error, True
 alive.add(error)
 raise error"""
    assert child_that(body, more=held).code == "corrupt_image"
    with pytest.raises(decode.DecodeError) as caught:
        child_that.children[-1].run(tmp_path / "file", "png", Limits(), pool.examine)
    assert (caught.value.code, caught.value.message) == ("alive", "0")


def test_harm_done_by_an_earlier_file_is_not_laid_to_the_next(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(encode(card()))
    child = pool.Child()
    child.run(tmp_path / "file", "png", Limits(), pool.examine)
    worn, ask = child.process, pool.ask

    def crash_in_the_worn_one(sock, *rest):
        if child.process is worn:
            worn.send_signal(signal.SIGSEGV)
            worn.wait()
        return ask(sock, *rest)

    monkeypatch.setattr(pool, "ask", crash_in_the_worn_one)
    assert child.run(tmp_path / "file", "png", Limits(), pool.examine).width == 96
    assert child.process is not worn
    child.stop()


def test_file_whose_process_was_killed_by_others_is_tried_again(inspect, monkeypatch):
    ask, kills = pool.ask, []

    def kill_first(sock, *rest):
        if not kills:
            kills.extend(child.process for child in pool.shared_pool().children if child.process)
            for process in kills:
                process.kill()
                process.wait()
        return ask(sock, *rest)

    monkeypatch.setattr(pool, "ask", kill_first)
    assert inspect(encode(card())).width == 96
    assert kills


def test_child_outlives_the_thread_that_started_it(tmp_path):
    (tmp_path / "file").write_bytes(encode(card()))
    child = pool.Child()
    thread = threading.Thread(target=child.run, args=(tmp_path / "file", "png", Limits(), pool.examine))
    thread.start()
    thread.join()
    first = child.process.pid
    child.run(tmp_path / "file", "png", Limits(), pool.examine)
    assert child.process.pid == first
    child.stop()


def test_killed_child_is_replaced(inspect):
    inspect(encode(card()))
    for child in pool.shared_pool().children:
        if child.process:
            child.process.kill()
            child.process.wait()
    assert inspect(encode(card())).width == 96


def test_child_is_renewed_after_its_share_of_jobs(inspect, monkeypatch):
    monkeypatch.setattr(pool, "JOBS_PER_CHILD", 1)
    seen = set()
    for _ in range(3):
        inspect(encode(card()))
        seen |= {child.process.pid for child in pool.shared_pool().children if child.process}
    assert len(seen) >= 3


def test_many_threads_share_two_children(inspect, tmp_path):
    (tmp_path / "shared").write_bytes(encode(card()))
    widths = []
    threads = [
        threading.Thread(target=lambda: widths.append(decode.inspect(tmp_path / "shared").width))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == [96] * 12
    assert len(pool.shared_pool().children) == pool.CHILDREN


def test_caller_that_waits_too_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "QUEUE_SECONDS", 0.05)
    (tmp_path / "file").write_bytes(encode(card()))
    with pytest.raises(decode.DecodeError) as caught:
        pool.Pool(0).inspect(tmp_path / "file", Limits())
    assert caught.value.code == "decode_busy"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_starts_children_of_its_own(inspect, tmp_path):
    inspect(encode(card()))
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if decode.inspect(tmp_path / "file").width == 96 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
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
