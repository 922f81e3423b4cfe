"""Small files that the processes of a machine share: the reads of a day, the only stream."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiserve.errors import SourceError


class StateError(SourceError):
    """Such a file can't be used."""

    public = "what is read from X can't be counted; the log says why"


@contextmanager
def shared_file(path: Path) -> Iterator[int]:
    """The file's descriptor, to read, write and lock; it is made where it is missing.

    Raises:
        StateError: it can't be opened.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateError(
            f"what is read from X can't be counted: {error.filename}: {error.strerror}; "
            "name a directory that can be written with XDG_STATE_HOME"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
