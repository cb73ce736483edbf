"""The child process that touches foreign bytes. Started by `pool`; see `main`.

It owns nothing worth stealing: an empty environment, an empty network where the system allows that, and after
start-up not one file descriptor more, so that even taken over it can open neither database nor key. On Linux
a filter of system calls (`seccomp`) closes what such limits leave open: deleting by name, starting processes,
looking into the server's memory. Jobs and answers pass through the socket on descriptor 0.
"""

import ctypes
import gc
import math
import os
import resource
import signal
import socket
import sys
from dataclasses import fields

from gallery.decode import Limits, containers, errors, fingerprints, seccomp, wire

# AVIF and interlaced pictures are decoded whole, which was measured to take up to 15 bytes a pixel.
BASE_BYTES, PIXEL_BYTES = 448 << 20, 16
MEMORY_BYTES = 2 << 30  # whatever the picture says
CPU_SECONDS = 15
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Give up what is not needed, then answer jobs until the server hangs up."""
    leave_the_network()
    limit_at_start()
    from gallery.decode import pixels  # maps libvips, which needs files and threads: before the last limits

    pixels.lock_down()
    warm_up(pixels)
    sock = socket.socket(fileno=0)
    try:
        wire.send(sock, {"ready": True})
    except ConnectionError:
        return  # the server was stopped meanwhile
    limit_for_good()
    while serve(sock, pixels):
        pass


def serve(sock: socket.socket, pixels) -> bool:
    """Answer one job; return False when there are no more."""
    try:
        job = wire.receive(sock)
        allow_memory(job["size"])
        data = wire.receive_bytes(sock, job["size"])
    except wire.Broken:
        return False
    allow_cpu_time()
    try:
        answer = copy(pixels, job, data) if job.get("copy") else examine(pixels, job, data)
    except errors.DecodeError as exc:
        answer = {"code": exc.code, "message": exc.message}
    except MemoryError:
        answer = refusal(errors.too_much_memory())
    except Exception:  # noqa: BLE001  decoders raise whatever they like; each of it means the same here
        answer = refusal(errors.damaged())
    if "code" in answer:
        gc.collect()  # errors keep half-decoded pictures alive in circles, and the next one needs the memory
    reply(sock, answer)
    return True


def open_picture(pixels, job: dict, data: bytearray):
    """Return outline, header and measures of a picture that is within the limits, and allow it its memory."""
    limits = Limits(**{field.name: job["limits"][field.name] for field in fields(Limits)})
    found = containers.read_outline(job["kind"], data, limits)
    allow_memory(len(data), (found.width or 0) * (found.height or 0))
    header = pixels.read_header(job["kind"], data)
    measures = pixels.measure(header, limits)
    allow_memory(len(data), measures[0] * measures[1])
    return found, header, measures


def copy(pixels, job: dict, data: bytearray) -> dict:
    _, header, _ = open_picture(pixels, job, data)
    render = pixels.render_mask if job["copy"] == "mask" else pixels.render_jpeg
    return {"thumbnails": render(job["kind"], header, data)}


def examine(pixels, job: dict, data: bytearray) -> dict:
    found, header, (width, height, pages) = open_picture(pixels, job, data)
    is_tolerant = job["limits"]["tolerant"]
    thumbnails, grid = pixels.render(job["kind"], header, data, is_tolerant=is_tolerant)
    if is_tolerant and fingerprints.is_blank(grid):
        raise errors.damaged()
    colors, alphas = fingerprints.opaque(grid)
    return {
        "width": width,
        "height": height,
        "frames": max(found.frames, pages),
        "tint": fingerprints.tint(colors),
        "thumbhash": fingerprints.thumbhash(colors, alphas, width, height).hex(),
        "phash": fingerprints.phash(colors),
        "thumbnails": thumbnails,
    }


def refusal(error: errors.DecodeError) -> dict:
    return {"code": error.code, "message": error.message}


def reply(sock: socket.socket, answer: dict) -> None:
    thumbnails = answer.pop("thumbnails", {})
    wire.send(sock, answer | {"thumbnails": [[size, len(data)] for size, data in thumbnails.items()]})
    for data in thumbnails.values():
        sock.sendall(data)


def warm_up(pixels) -> None:
    """Run each loader and the saver once: what libraries load late would find no descriptor later."""
    import pyvips

    image = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    samples = {
        "png": image.pngsave_buffer(),
        "jpg": image.jpegsave_buffer(),
        "gif": image.gifsave_buffer(),
        "webp": image.webpsave_buffer(),
        "avif": image.heifsave_buffer(compression="av1", effort=0),
    }
    for kind, data in samples.items():
        pixels.render(kind, pixels.read_header(kind, data), data)


# --- Limits ---------------------------------------------------------------------------------------


def leave_the_network() -> None:
    """Move into an empty network where the kernel lets an ordinary user do so."""
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    except (AttributeError, OSError):
        return  # no such right in many containers; the descriptor limit closes the network too


def limit_at_start() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops the server, which lets this job end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def limit_for_good() -> None:
    """Open nothing, start nothing, delete nothing from now on."""
    null = os.open(os.devnull, os.O_WRONLY)  # decoders write their warnings about hostile files there
    os.dup2(null, 2)
    os.close(null)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    seccomp.confine()  # where it is not to be had, the limits above stand alone


def allow_cpu_time() -> None:
    """Move the limit so that this job has its own seconds; passing it ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, hard))


def allow_memory(file_bytes: int, pixels: int = 0) -> None:
    """Give this job the address space that its picture may need, and no more."""
    amount = min(BASE_BYTES + file_bytes + PIXEL_BYTES * pixels, MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (amount, MEMORY_BYTES))
