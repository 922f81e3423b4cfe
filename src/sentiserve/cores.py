"""How many processor cores this process may really use."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = _CGROUP) -> int:
    """Cores by the process's affinity and the quota of its container; at least one.

    A quota between two numbers counts as the lower one, but a part of a core as one: threads
    beyond the quota only make the kernel stop all of them for the rest of each period.
    """
    quota = _quota(cgroup)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, math.floor(quota)) if quota else cores or 1)


def cores_each(workers: int) -> int:
    """Cores for each of so many processes; at least one."""
    return max(1, available_cores() // workers)


def _quota(cgroup: Path) -> float | None:
    """Cores that a container may use, by version 2 or 1 of control groups."""
    try:
        if (version_2 := cgroup / "cpu.max").exists():
            most, period = version_2.read_text("ascii").split()
        else:
            most = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text("ascii")
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text("ascii")
        return int(most) / int(period) if int(most) > 0 else None
    except (OSError, ValueError):  # none, or "max"
        return None
