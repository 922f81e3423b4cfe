"""Ctrl-C and SIGTERM for work that ends at a good place: once to finish, twice to end at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sentiserve.cli.console import err

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stop:
    """Whether somebody wants the work to stop.

    Attributes:
        signal: by which they said so; 0 if nobody did.
        act: what stops the work.
    """

    signal: int = 0
    act: Callable[[], None] | None = None

    def on_stop(self, act: Callable[[], None]) -> None:
        """Do this when they say so; now, if they did."""
        self.act = act
        if self.signal:
            act()

    def _take(self, number: int) -> None:
        if self.signal:
            err.show_cursor()  # a progress bar hides it
            os._exit(128 + number)  # what was answered is in the journal
        self.signal = number
        err.print("stopping; what has been read is finished first (once more: at once)")
        if self.act is not None:
            self.act()

    @property
    def status(self) -> int:
        """The exit status that says so."""
        return 128 + self.signal


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Take the signals, inside a running loop."""
    loop, stop = asyncio.get_running_loop(), Stop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop._take, number)  # noqa: SLF001  # its own factory
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
