"""What else the machine does while something is measured."""

import os
import subprocess
import sys
import time

from benchmarks.serving.machine import others_since_now

_WORK = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


def test_the_work_of_a_strange_program_is_noticed() -> None:
    """A grandchild that nobody waited for is as strange as any; its pipe tells when it ends."""
    share, began = others_since_now(), time.monotonic()
    script = f"{sys.executable} -c '{_WORK}' & exit"
    subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - began
    assert share() * seconds * (os.cpu_count() or 1) >= 0.25  # the kernel counts in ticks
    assert share() <= 1
    assert share(1e9) == 0  # all of it ours
