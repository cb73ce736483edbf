"""A filter of system calls for the decode child (Linux, seccomp(2)): no network, no processes, no files.

Limits alone leave gaps: who may open nothing can still delete by name, start processes and read the memory of
the server, which belongs to the same user. The filter names what no decoder needs and refuses it with an
error; all else is let through, so that another C library or kernel does not break decoding. Where there is
no seccomp the limits of `child` stand alone.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# System call numbers on x86-64 and on 64-bit ARM (None: there is no such call), from the kernel's unistd.h.
REFUSED = {
    # the network; the one socket the child has is connected already
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    # other processes: starting them, looking into them
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "setpriority": (141, 140),
    # files, by their names or by handles
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None),
    "open_by_handle_at": (304, 265), "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "truncate": (76, 45),
    "mkdir": (83, None), "mkdirat": (258, 34), "mknod": (133, None), "mknodat": (259, 33),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "chmod": (90, None), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "memfd_create": (319, 279),
    # the kernel's own workings
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "init_module": (175, 105),
    "finit_module": (313, 273), "kexec_load": (246, 104), "reboot": (169, 142), "personality": (135, 92),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
# A process may signal and limit itself, and start threads.
KILL, TGKILL, PRLIMIT, CLONE = (62, 129), (234, 131), (302, 261), (56, 220)
CLONE3 = 435  # its flags lie in memory, where a filter cannot look; C libraries fall back on clone
SECCOMP = (317, 277)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH
X32_BIT = 0x40000000  # marks the calls of x86-64's other interface
CLONE_THREAD = 0x10000

SET_MODE_FILTER, TSYNC = 1, 1  # to all threads of the process
LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data
ALLOW, ERROR = 0x7FFF0000, 0x00050000

type Step = tuple[int, int, int, int]  # code, steps to skip if true, if false, value


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def confine() -> bool:
    """Put the filter on this process, for good. False where the system has no such filters."""
    if sys.platform != "linux" or platform.machine() not in MACHINES or sys.maxsize < 2**32:
        return False
    column, architecture = MACHINES[platform.machine()]
    steps = b"".join(struct.pack("=HBBI", *step) for step in filter_steps(column, architecture, os.getpid()))
    program = Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(SECCOMP[column], SET_MODE_FILTER, TSYNC, ctypes.byref(program)) == 0


def filter_steps(column: int, architecture: int, pid: int) -> list[Step]:
    """The filter as a program of classic BPF."""
    steps: list[Step] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        *refuse(),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32_BIT),
        *refuse(),
        (EQUAL, 0, 1, CLONE3),
        *refuse(errno.ENOSYS),
    ]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            steps += [(EQUAL, 0, 1, number), *refuse()]
    steps += only_if(CLONE[column], (HAS_BITS, CLONE_THREAD))
    steps += only_if(KILL[column], (EQUAL, pid)) + only_if(TGKILL[column], (EQUAL, pid))
    steps += only_if(PRLIMIT[column], (EQUAL, 0), (EQUAL, pid))
    return [*steps, (RETURN, 0, 0, ALLOW)]


def refuse(number: int = errno.EPERM) -> list[Step]:
    return [(RETURN, 0, 0, ERROR | number)]


def only_if(number: int, *tests: tuple[int, int]) -> list[Step]:
    """Allow the call when its first argument passes one of `tests`."""
    checks: list[Step] = []
    for test, value in tests:
        checks += [(test, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    body = [(LOAD, 0, 0, FIRST_ARGUMENT), *checks, *refuse()]
    return [(EQUAL, 0, len(body), number), *body]
