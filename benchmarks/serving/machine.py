"""The machine in words that tell how fast it can be: cores and instruction sets."""

import os
import platform
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
