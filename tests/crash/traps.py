"""System calls of a process, counted by another one, which can kill it at any of them.

The kernel stops each call at its door and asks the supervisor (seccomp user notification, Linux 5.5). The one
that meets `kill -9` is never carried out. That covers every thread and every library, SQLite's own writes
too, needs no special right, and costs some twenty microseconds a call.
"""

import array
import ctypes
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

NUMBERS = {
    "x86_64": {
        "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "fsync": 74, "fdatasync": 75,
        "ftruncate": 77, "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265,
        "unlink": 87, "unlinkat": 263, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "openat": 257,
        "connect": 42, "sendto": 44, "recvfrom": 45, "sendfile": 40,
    },
    "aarch64": {
        "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "fsync": 82, "fdatasync": 83,
        "ftruncate": 46, "renameat": 38, "renameat2": 276, "linkat": 37, "unlinkat": 35, "mkdirat": 34,
        "openat": 56, "connect": 203, "sendto": 206, "recvfrom": 207, "sendfile": 71,
    },
}.get(platform.machine(), {})  # fmt: skip
NAMES = {number: name for name, number in NUMBERS.items()}
SECCOMP = {"x86_64": 317, "aarch64": 277}.get(platform.machine(), -1)
PATHS = {  # which argument is a path; of the other calls the first one is a descriptor
    "openat": 1, "rename": 0, "renameat": 1, "renameat2": 1, "link": 1, "linkat": 3, "unlink": 0,
    "unlinkat": 1, "mkdir": 0, "mkdirat": 1, "rmdir": 0,
}  # fmt: skip
NO_NEW_PRIVS, SET_MODE_FILTER, NEW_LISTENER, CONTINUE = 38, 1, 8, 1
ALLOW, USER_NOTIF = 0x7FFF0000, 0x7FC00000
RECEIVE, ANSWER = 0xC0502100, 0xC0182101
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


class Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction)))


def hand_over(sock: socket.socket) -> None:
    """From here on every call in NUMBERS of this process waits for whoever reads the other end of `sock`."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program()
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    listener = libc.syscall(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "This kernel does not let a process watch another one's calls.")
    sock.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
    os.close(listener)


def take_over(sock: socket.socket) -> int:
    """The descriptor at which the other process's calls arrive."""
    _, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_LEN(4))
    return array.array("i", ancillary[0][2])[0]


def _program() -> Program:
    numbers = list(NUMBERS.values())
    lines = [Instruction(LOAD, 0, 0, 0)]
    lines += [Instruction(JUMP_IF_EQUAL, len(numbers) - n, 0, number) for n, number in enumerate(numbers)]
    lines += [Instruction(RETURN, 0, 0, ALLOW), Instruction(RETURN, 0, 0, USER_NOTIF)]
    return Program(len(lines), (Instruction * len(lines))(*lines))


def are_possible() -> bool:
    """Whether this kernel lets an ordinary process do so."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        try:
            hand_over(theirs)
        except (OSError, KeyError):
            os._exit(1)
        os._exit(0)
    theirs.close()
    ours.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@dataclass(frozen=True)
class Call:
    """A system call: its name, and the file or kind of connection it is about."""

    name: str
    target: str


class Supervisor(threading.Thread):
    """Lets the calls of process `pid` through; once armed, counts them, and kills it at number `kill_at`.

    With `freeze` it is stopped there instead, and can be woken by SIGCONT.
    """

    def __init__(self, listener: int, pid: int, kill_at: int | None = None, *, list_all=False, freeze=False):
        super().__init__(daemon=True)
        self.listener = listener
        self.pid = pid
        self.kill_at = kill_at
        self.list_all = list_all
        self.freeze = freeze
        self.calls: list[Call] = []
        self.count = 0
        self.killed: Call | None = None
        self.last_call = time.monotonic()
        self._is_armed = False
        self._groups: dict[int, int] = {}

    def arm(self) -> None:
        self._is_armed = True

    def run(self) -> None:
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        while self.killed is None or self.freeze:
            events = poll.poll(1000)
            if events and events[0][1] & select.POLLIN:
                self._take_one()
            elif events:
                break  # nobody is left who could ask
        os.close(self.listener)  # calls of others that still wait fail

    def _take_one(self) -> None:
        request = bytearray(80)
        try:
            fcntl.ioctl(self.listener, RECEIVE, request)
        except OSError:
            return  # it is gone already
        number, thread, _, call, _, _, *arguments = struct.unpack("=QIIiIQ6Q", request)
        if self._is_armed and self._process_of(thread) == self.pid:
            self.count += 1
            self._look(thread, NAMES[call], arguments)
        self.last_call = time.monotonic()
        if self.killed is None or self.freeze:
            self._answer(number)

    def _look(self, thread: int, name: str, arguments: list[int]) -> None:
        is_the_one = self.count == self.kill_at
        if is_the_one or self.list_all:
            call = Call(name, _target(thread, name, arguments))
            self.calls.append(call)
        if is_the_one:
            os.kill(self.pid, signal.SIGSTOP if self.freeze else signal.SIGKILL)
            self.killed = call

    def _answer(self, number: int) -> None:
        try:
            fcntl.ioctl(self.listener, ANSWER, struct.pack("=QqiI", number, 0, 0, CONTINUE))
        except OSError:
            return  # it is gone meanwhile

    def _process_of(self, thread: int) -> int:
        if thread not in self._groups:
            self._groups[thread] = _process_of(thread)
        return self._groups[thread]


def _process_of(thread: int) -> int:
    try:
        status = Path(f"/proc/{thread}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("Tgid:")[2].split(None, 1)[0])


def _target(thread: int, name: str, arguments: list[int]) -> str:
    try:
        if name in PATHS:
            return _text_at(thread, arguments[PATHS[name]])
        return os.readlink(f"/proc/{thread}/fd/{arguments[0]}").partition(":")[0]
    except OSError:
        return "?"


def _text_at(thread: int, address: int) -> str:
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(512).partition(b"\0")[0].decode(errors="replace")
