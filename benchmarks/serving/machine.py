"""The machine in words that tell how fast it can be: cores and instruction sets."""

import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

_SETS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX BF16",
    "asimddp": "dot products",
    "i8mm": "int8 products",
}


def threads_available() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> str:
    """Cores, architecture and instruction sets, and the Python."""
    flags: set[str] = set()
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.lower().startswith(("flags", "features")):
            flags |= set(line.partition(":")[2].split())
    sets = ", ".join(name for flag, name in _SETS.items() if flag in flags)
    python = platform.python_version()
    return f"{threads_available()} cores, {platform.machine()} ({sets}), Python {python}"


def others_since_now() -> Callable[..., float]:
    """Tells later which share of all cores programs took that are not ours.

    Ours are this one and its children that have ended; what those take that still run has to be
    given, in seconds.
    """
    began, busy, own = time.monotonic(), _busy(), _own()

    def share(running: float = 0.0) -> float:
        took = (_busy() - busy) - (_own() - own) - running
        whole = (time.monotonic() - began) * (os.cpu_count() or 1)
        return min(max(0.0, took / whole), 1.0)

    return share


def _busy() -> float:
    """Seconds that all cores worked since the machine started."""
    user, nice, system, _idle, _wait, irq, softirq = map(
        int, Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))
