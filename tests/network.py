"""A wall around a test: nothing but this machine can be connected to."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from processes import is_here

T = TypeVar("T")


@contextmanager
def walled_in() -> Iterator[list[object]]:
    """Refuse connections to other machines, and list to which ones they were tried."""
    tried: list[object] = []

    def guarded(connect: Callable[[socket.socket, Any], T]) -> Callable[[socket.socket, Any], T]:
        def guard(self: socket.socket, address: Any) -> T:
            if self.family != socket.AF_UNIX and not is_here(str(address[0])):
                tried.append(address)
                raise ConnectionRefusedError(errno.ECONNREFUSED, f"no test connects to {address}")
            return connect(self, address)

        return guard

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield tried
