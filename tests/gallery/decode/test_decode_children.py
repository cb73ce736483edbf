"""The processes that decode: what they may do, and what becomes of those that break."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gallery import decode
from gallery.decode import Limits, pool, seccomp
from tests.gallery.specimens import card, encode

pytestmark = pytest.mark.thorough


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


def test_memory_is_limited_to_what_the_picture_needs(child_that):
    assert child_that("bytearray(1 << 30)").code == "too_many_pixels"


def test_memory_is_limited_whatever_the_picture_says(child_that):
    greedy = "child.allow_memory(0, 10**9); bytearray(3 << 30)"
    assert child_that(greedy).code == "too_many_pixels"


def test_endless_work_ends_by_the_processor_limit(child_that, monkeypatch, caplog):
    monkeypatch.setattr(pool, "JOB_SECONDS", 60)
    assert child_that("while True: pass", setup="child.CPU_SECONDS = 1").code == "decode_timeout"
    assert f"ended with status {-signal.SIGXCPU}" in caplog.text


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


def test_a_process_whose_server_was_stopped_meanwhile_leaves_without_a_word():
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        done = subprocess.run(
            [sys.executable, "-I", "-c", pool.PROGRAM, str(pool.ROOT)],
            stdin=theirs.fileno(), capture_output=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
