"""One process at a time; the kernel lets the next one in, however the last one ended."""

import fcntl
import os
from pathlib import Path
from typing import Self

from sentiserve.errors import BadInputError


class Lock:
    """A file that is locked during the block, and gone afterwards."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is touched."""
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take it, and make its directory where that is missing.

        Raises:
            BadInputError: another process has it, or the directory can't be written.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = self._taken()
        except BlockingIOError:
            raise BadInputError(
                "another run is at this work already; wait for its end, or stop it"
            ) from None
        except OSError as error:
            raise BadInputError(
                f"{error.filename}: {error.strerror}; name a directory that can be written with "
                "XDG_STATE_HOME"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Let others have it."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _taken(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(self._path.stat(), os.fstat(descriptor)):
                    return descriptor
            except FileNotFoundError:
                pass  # whoever had it took it away: another, then
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)
