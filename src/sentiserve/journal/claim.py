"""Which directory of the journal belongs to which process: the lock on it tells.

The kernel lets go of a lock when its process ends, however that came about.
"""

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Self


def unique_name() -> str:
    """A name that nobody else has; later ones sort after earlier ones."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{token_hex(4)}"


class Claim:
    """A directory that is this process's until it is released."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take a directory that is locked already."""
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def fresh(cls, root: Path) -> Self:
        """A new directory; only its owner may read it, since it holds what people wrote."""
        while True:
            path = root / unique_name()
            path.mkdir(mode=0o700)
            if claim := cls.of(path):
                return claim  # or somebody who looked for the dead has taken it: another, then

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The directory, unless it is another process's or gone."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return cls(path, descriptor)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
        return None

    def sync(self) -> None:
        """Have the names of its files survive a power failure too."""
        os.fsync(self._descriptor)

    def release(self) -> None:
        """Give it up; empty, it is removed."""
        with suppress(OSError):  # it isn't empty
            self.path.rmdir()
        os.close(self._descriptor)
