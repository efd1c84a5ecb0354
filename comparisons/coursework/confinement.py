"""Where a process of the sandbox begins: what it gives up before it runs a student's code, and then ``student.py``.

Memory, files, other processes, the network. The standard library alone is imported here. Limits are POSIX's. The filter
of system calls is Linux's: it refuses what begins a process or a thread, opens a network, reaches into another process,
signals one, or makes a namespace. Nothing of it can be taken back.

Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys

__all__ = ["confine", "has_filter"]

# The numbers of system calls and the name that the kernel has for a processor, by its name in Python.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
REFUSED = {
    "socket": (41, 198),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "prlimit64": (302, 261),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
OTHER_NUMBERS = 0x40000000  # from here on x86_64 has its system calls a second time
MOST_FILES = 64

# Instructions of the filter: load a word, jump if equal, if not less; return.
LOAD, EQUAL, NOT_LESS, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, PROCESSOR = 0, 4  # where they stand
ALLOW, KILL, EPERM = 0x7FFF0000, 0x80000000, 0x00050001
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
MODE_FILTER = 2


def has_filter() -> bool:
    """Whether the filter's numbers are known here."""
    return sys.platform == "linux" and os.uname().machine in PROCESSORS


def confine(memory: int) -> None:
    """Give up what a student's engine does not need: at most ``memory`` bytes of addresses, no file is written.

    Who asks how many processors there are, to begin as many threads, is told one.

    Raises:
        OSError: the kernel refuses the filter.
    """
    import resource

    limits = {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: MOST_FILES}
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = memory  # macOS keeps to none
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    os.cpu_count = lambda: 1
    os.sched_getaffinity = lambda process: {0}  # type: ignore[attr-defined, unused-ignore]
    if has_filter():
        filter_system_calls()


def filter_system_calls() -> None:
    """End with whoever began this process, and have the kernel refuse what ``REFUSED`` names from here on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    program = instructions()
    code = ctypes.create_string_buffer(b"".join(program), 8 * len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    whole = Program(len(program), ctypes.addressof(code))
    for call in (
        (PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(whole), 0, 0),
    ):
        if libc.prctl(*call) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"the kernel takes no filter of system calls: {os.strerror(number)}")


def instructions() -> list[bytes]:
    """The filter: an instruction is its code, where to go on if true and if false, and an operand."""
    name, column = PROCESSORS[os.uname().machine]
    refused = [numbers[column] for numbers in REFUSED.values()]
    program = [(LOAD, 0, 0, PROCESSOR), (EQUAL, 1, 0, name), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    program += [(NOT_LESS, 0, 1, OTHER_NUMBERS), (RETURN, 0, 0, EPERM)]
    for number in refused:
        if number is not None:
            program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    program.append((RETURN, 0, 0, ALLOW))
    return [struct.pack("=HBBI", *each) for each in program]


def main() -> None:
    """Shut this process in as the judge's order says, and answer its requests."""
    order = json.loads(sys.argv[1])
    confine(order["memory"])
    sys.path += [order["site"], os.path.dirname(__file__)]
    import student  # type: ignore[import-not-found]

    student.main(order["engine"], order["folder"], order["nowhere"])


if __name__ == "__main__":
    main()
