"""seccomp: which system calls a child may still make, and with which arguments.

What is not listed fails with EPERM. Left out on purpose, among others:

- `socket`, `connect`, `bind`: no network, and no Unix sockets of others;
- `fork`, `vfork`, `execve`: without children one kill ends everything;
- `kill`, `tgkill`, `rt_sigqueueinfo`, `pidfd_send_signal`: signals to the harness;
- `ptrace`, `process_vm_readv`: others' memory;
- `chmod`, `chown`, `utimensat`, `setxattr`: Landlock does not watch them (`file_attributes` has what is left of them);
- `truncate`: Landlock watches it from its third version on (`file_attributes` has another way to do it);
- `unshare`, `setns`, `mount`, `open_by_handle_at`: ways around the file rules;
- `sched_setaffinity`, `sched_setscheduler`, `setpriority`: the harness's share of the CPU;
- `shmget`, `msgget`, `semget`, `memfd_create`: memory that outlives or escapes the limit;
- `io_uring_setup`: calls that no filter sees;
- `bpf`, `perf_event_open`, `userfaultfd`, `keyctl`, `add_key`, `inotify_init1`: attack surface;
- `sendmsg`: descriptors for others; `seccomp`, `landlock_restrict_self`: layers without end.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .system_calls import syscall

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

_SET_MODE_FILTER = 1
_SPEC_ALLOW = 1 << 2
"""No slower branch prediction for the filtered process: the candidate has nobody's secrets to guess at."""

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]
_ALLOWED: Instruction = (_RETURN, 0, 0, _ALLOW)
_DENY: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
"""Also for the numbers of x86-64's other ABI, which are the same calls from 2**30 on."""


class Architecture(NamedTuple):
    """Where a system call's number stands in the tables below, and the number of `seccomp` itself."""

    audit: int
    column: int
    seccomp: int


ARCHITECTURES = {"x86_64": Architecture(0xC000003E, 0, 317), "aarch64": Architecture(0xC00000B7, 1, 277)}

# name: (x86-64, aarch64); None: that architecture has no such call.
Numbers = tuple[int | None, int | None]

MEMORY: dict[str, Numbers] = {
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "msync": (26, 227),
    "madvise": (28, 233),
    "membarrier": (324, 283),
}
READING: dict[str, Numbers] = {  # Landlock decides which files
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "lseek": (8, 62),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "listxattr": (194, 11),  # the names alone: what is in them may be another's secret
    "llistxattr": (195, 12),
    "flistxattr": (196, 13),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "umask": (95, 166),
}
DESCRIPTORS: dict[str, Numbers] = {
    "write": (1, 64),
    "writev": (20, 66),
    "pwrite64": (18, 68),
    "dup": (32, 23),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "eventfd2": (290, 19),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "recvfrom": (45, 207),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    "getsockopt": (55, 209),
}
TIME: dict[str, Numbers] = {
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None),
}
SIGNALS: dict[str, Numbers] = {  # to be received, never to be sent
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132),
    "pause": (34, None),
    "restart_syscall": (219, 128),
}
THREADS: dict[str, Numbers] = {
    "futex": (202, 98),
    "futex_waitv": (449, 449),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "getcpu": (309, 168),
    "gettid": (186, 178),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
ONESELF: dict[str, Numbers] = {
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getpgid": (121, 155),
    "getpgrp": (111, None),
    "getsid": (124, 156),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getgroups": (115, 158),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getpriority": (140, 141),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "getrusage": (98, 165),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
    "arch_prctl": (158, None),
}
RECEIVING: dict[str, Numbers] = {"recvmsg": (47, 212)}
FORKING: dict[str, Numbers] = {"clone": (56, 220), "fork": (57, None), "wait4": (61, 260)}
# Allowed only in a scratch folder, which Landlock sees to.
WRITING: dict[str, Numbers] = {
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "ftruncate": (77, 46),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
}


class ArgumentTest(NamedTuple):
    """A call that is allowed where one argument is one of *values*, or has (or has not) one of the bits of *values*.

    Of the argument only the bits of *mask* count.
    """

    numbers: Numbers
    argument: int
    test: str
    values: tuple[int, ...]
    otherwise: int = errno.EPERM
    mask: int | None = None


_O_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_O_EMPTYING = (os.O_TRUNC, os.O_TRUNC | os.O_ACCMODE)
"""What empties a file without opening it to be written, which Landlock sees from its third version on."""
_CLONE_THREAD = 0x10000
_AF_UNIX, _SOCK_STREAM = 1, 1
_STREAM_TYPES = (1, 1 | 0o4000, 1 | 0o2000000, 1 | 0o2004000)
"""A datagram socket could still be sent to a path; one of these cannot."""
_FCNTL = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. With F_SETOWN and F_SETSIG the kernel sends signals."""
_CLOCK_CALLS: tuple[Numbers, ...] = ((228, 113), (229, 114), (230, 115))
"""clock_gettime, clock_getres, clock_nanosleep."""
_CLOCKS = (0, 1, 2, 3, 4, 5, 6, 7, 11)
"""Of the system, of this process and of this thread. All others are by the number of a process, which may be another's:
the time that a checker takes tells of a verdict."""
_FCNTL_LOCKS = (6, 7, 37, 38)
"""F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW. A lock that shuts others out wants a file that was opened for writing,
which is one in the scratch folder or /dev/null; flock and F_GETLK would tell of locks on what all may read."""
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS (isatty), TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""
_PRCTL = (15, 16)
"""PR_SET_NAME, PR_GET_NAME. PR_SET_PDEATHSIG would let a child outlive us."""
_PR_SET_PDEATHSIG = 1
"""For who forks: his children have nobody else to end them."""


def _conditions(channel: int, *, writing: bool, forking: bool) -> Iterator[ArgumentTest]:
    if not forking:
        yield ArgumentTest((56, 220), 0, "any bit", (_CLONE_THREAD,))  # threads, but no processes
    # clone3 hides its flags; the C library falls back to clone.
    yield ArgumentTest((435, 435), 0, "one of", (), errno.ENOSYS)
    yield ArgumentTest((436, 436), 0, "one of", (), errno.ENOSYS)  # close_range; Python falls back to close
    yield ArgumentTest((437, 437), 0, "one of", (), errno.ENOSYS)  # openat2 hides its flags
    # Programs that close all descriptors shall not lose their verdict.
    yield ArgumentTest((3, 57), 0, "none of", (channel,))
    yield ArgumentTest((33, None), 1, "none of", (channel,))
    yield ArgumentTest((292, 24), 1, "none of", (channel,))
    yield ArgumentTest((72, 25), 1, "one of", (*_FCNTL, *(_FCNTL_LOCKS if writing else ())))
    yield ArgumentTest((16, 29), 1, "one of", _IOCTL, errno.ENOTTY)
    yield ArgumentTest((157, 167), 0, "one of", (*_PRCTL, *[_PR_SET_PDEATHSIG] * forking))
    yield from (ArgumentTest(numbers, 0, "one of", _CLOCKS, errno.EINVAL) for numbers in _CLOCK_CALLS)
    yield ArgumentTest((302, 261), 0, "one of", (0,))  # prlimit64, of nobody else
    yield ArgumentTest((53, 199), 1, "one of", _STREAM_TYPES)  # socketpair: asyncio needs one
    yield ArgumentTest((44, 206), 4, "one of", (0,))  # sendto, without an address
    opening: tuple[tuple[Numbers, int], ...] = ((2, None), 1), ((257, 56), 2)  # the call, and where its flags stand
    for numbers, flags in opening:
        if writing:
            yield ArgumentTest(numbers, flags, "none of", _O_EMPTYING, mask=os.O_TRUNC | os.O_ACCMODE)
        else:
            yield ArgumentTest(numbers, flags, "no bit", (_O_WRITING,), errno.EROFS)


def supported() -> bool:
    return os.uname().machine in ARCHITECTURES


Decisions = dict[int, tuple[Instruction, ...]]
"""What is decided on a system call, by its number; all others are denied."""


class SystemCallFilter:
    """What a child may do, in the form that the kernel takes.

    *channel*: the descriptor that cannot be closed.
    *receiving*: a checker, which is sent the channels of candidates.
    *writing*: in the scratch folder, which Landlock sees to; where it cannot, no file is opened to be written.
    *forking*: one that tries a repository's own code, and no candidate.
    """

    def __init__(self, channel: int, *, writing: bool, receiving: bool = False, forking: bool = False) -> None:
        self._architecture = ARCHITECTURES[os.uname().machine]
        decisions = _decisions(channel, writing=writing, receiving=receiving, forking=forking)
        self.program = tuple(_program(self._architecture.audit, decisions))
        self._code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in self.program))
        self._header = struct.pack("HP", len(self.program), ctypes.addressof(self._code))  # struct sock_fprog

    def hold(self) -> None:
        """Bind this process for good. Its privileges must have been given up before."""
        syscall(self._architecture.seccomp, _SET_MODE_FILTER, _SPEC_ALLOW, self._header)


def _decisions(channel: int, *, writing: bool, receiving: bool = False, forking: bool = False) -> Decisions:
    groups = [DESCRIPTORS, MEMORY, THREADS, TIME, READING, SIGNALS, ONESELF]
    groups += [WRITING] * writing + [RECEIVING] * receiving + [FORKING] * forking
    allowed = {number: (_ALLOWED,) for group in groups for number in _numbers(group.values())}
    tested = {
        number: tuple(_tested(condition))
        for condition in _conditions(channel, writing=writing, forking=forking)
        for number in _numbers([condition.numbers])
    }
    return {**allowed, **tested}


def _numbers(calls: Iterable[Numbers]) -> list[int]:
    column = ARCHITECTURES[os.uname().machine].column
    return [number for call in calls if (number := call[column]) is not None]


def _program(audit: int, decisions: Decisions) -> Iterator[Instruction]:
    """Ranges of numbers in ascending order: the kernel tries each number on it once, so a short way matters."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, audit)
    yield (_RETURN, 0, 0, _KILL_PROCESS)
    yield (_LOAD, 0, 0, _NUMBER)
    for first, last, decision in _ranges(decisions):
        yield (_AT_LEAST, 2 + len(decision), 0, last + 1)
        yield (_AT_LEAST, 1, 0, first)
        yield _DENY
        yield from decision
    yield _DENY


def _ranges(decisions: Decisions) -> list[tuple[int, int, tuple[Instruction, ...]]]:
    """Neighbours with the same decision joined, as first number, last number, decision."""
    ranges: list[tuple[int, int, tuple[Instruction, ...]]] = []
    for number in sorted(decisions):
        decision = decisions[number]
        if ranges and ranges[-1][1] == number - 1 and ranges[-1][2] == decision:
            ranges[-1] = (ranges[-1][0], number, decision)
        else:
            ranges.append((number, number, decision))
    return ranges


def _tested(test: ArgumentTest) -> Iterator[Instruction]:
    """Instructions that end the filter either way."""
    comparison = _ANY_BIT if "bit" in test.test else _EQUAL
    met = test.test in ("any bit", "one of")
    yield (_LOAD, 0, 0, _ARGUMENTS + 8 * test.argument)
    if test.mask is not None:
        yield (_AND, 0, 0, test.mask)
    for value in test.values:
        yield (comparison, 0, 1, value)
        yield (_RETURN, 0, 0, _ALLOW if met else _ERRNO | test.otherwise)
    yield (_RETURN, 0, 0, _ERRNO | test.otherwise if met else _ALLOW)
