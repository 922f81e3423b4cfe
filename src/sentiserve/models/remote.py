"""Places elsewhere that hold bundles: what each must do."""

from collections.abc import Callable, Iterator
from typing import Protocol

OnProgress = Callable[[int, int], None]  # bytes that are here, bytes in all


def quiet(_done: int, _total: int) -> None:
    """Report no progress."""


class Remote(Protocol):
    """A place that holds the files of one bundle; ``str()`` is how users name it.

    Everything raises a BundleError that says what to do: UnreachableError where the same
    call may do better later.
    """

    def size(self, name: str) -> int:
        """The bytes of a file."""

    def read(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, in parts."""
