"""The memory that a model adds to a process, measured in a process of its own.

python -m sentiserve.models.memory DIR THREADS < texts, a JSON list
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from signal import strsignal

import msgspec

from sentiserve.errors import ModelError
from sentiserve.logs import configure_logs
from sentiserve.models.registry import load_model

_STATUS = Path("/proc/self/status")


def added_memory(path: Path, texts: Sequence[str], threads: int = 0) -> int | None:
    """The resident memory that a model adds, its engine's library included.

    Args:
        path: the directory of a bundle.
        texts: predicted, in one call, before it is measured.
        threads: of one run; 0 takes every core.

    Returns:
        Bytes, or None where the system has no ``/proc`` to tell.

    Raises:
        ModelError: it can't be loaded and run.
    """
    # -P: a msgspec.py in the working directory, say, is none of ours.
    done = subprocess.run(  # noqa: S603  # this module, by this Python
        [sys.executable, "-P", "-m", "sentiserve.models.memory", str(path), str(threads)],
        input=msgspec.json.encode(texts),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ModelError(f"{path}, loaded in a process of its own: {_reason(done)}")
    return msgspec.json.decode(done.stdout, type=int | None)


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """The signal that ended it, or else the last line that it wrote."""
    if done.returncode < 0:
        return f"it was ended by signal {-done.returncode} ({strsignal(-done.returncode)})"
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2]


def _resident() -> int | None:
    if not _STATUS.exists():
        return None
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def _main() -> None:
    configure_logs("error")  # to stderr, for stdout is the answer's
    path, threads = Path(sys.argv[1]), int(sys.argv[2])
    texts = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    before = _resident()
    model = load_model(path, threads)
    model.predict(texts)
    after = _resident()
    added = after - before if after is not None and before is not None else None
    sys.stdout.buffer.write(msgspec.json.encode(added))


if __name__ == "__main__":
    _main()
