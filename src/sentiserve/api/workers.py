"""Several processes on one address: started, replaced when one dies, and stopped together."""

import asyncio
import os
import pickle
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from sentiserve.api.worker import READY, Told
from sentiserve.cores import cores_each
from sentiserve.errors import SettingsError
from sentiserve.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0  # seconds before a worker that died young is replaced
_OLD = 60.0  # seconds; whoever dies at that age is replaced at once
_log = structlog.get_logger(__name__)


def supervise(
    settings: Settings, listeners: Sequence[socket.socket], on_ready: Callable[[], object]
) -> int:
    """Run a worker for each socket until SIGTERM or SIGINT; the worst of their exit statuses.

    Args:
        settings: all of them.
        listeners: where the connections of each worker come from.
        on_ready: called when the first of them answers requests.

    Raises:
        SettingsError: the first worker can't start; the others are not tried then.
    """
    with tempfile.TemporaryDirectory(prefix="sentiserve-") as directory:
        workers = Workers(settings, listeners, Path(directory))
        return asyncio.run(workers.run(on_ready))


class Workers:
    """The parent: it serves nothing itself, so that little can go wrong with it."""

    def __init__(
        self, settings: Settings, listeners: Sequence[socket.socket], directory: Path
    ) -> None:
        """Take a socket for each worker, and the directory where they meet."""
        self._settings = settings
        self._listeners = listeners
        self._directory = directory
        self._running: set[Process] = set()
        self._ready, self._stopping = asyncio.Event(), asyncio.Event()

    async def run(self, on_ready: Callable[[], object]) -> int:
        """Start all; keep them running until told to stop.

        Raises:
            SettingsError: the first one can't start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        first = asyncio.create_task(self._keep(0))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({first, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._stopping.is_set():  # perhaps just when it was ready
            return await first
        if not self._ready.is_set():
            raise SettingsError("no worker can start; the log says why")
        on_ready()
        others = [self._keep(number) for number in range(1, len(self._listeners))]
        statuses = await asyncio.gather(first, *others)
        _log.info("all workers stopped", statuses=statuses)
        return max(statuses)

    def _stop(self) -> None:
        """Tell all to stop; told again, not to wait for anything."""
        number = signal.SIGINT if self._stopping.is_set() else signal.SIGTERM
        self._stopping.set()
        for listener in self._listeners:
            listener.close()  # whoever connects after the workers have closed theirs is refused
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def _keep(self, number: int) -> int:
        """Have this worker run until all stop; its last exit status."""
        pause = _FIRST_PAUSE
        while True:
            started = time.monotonic()
            try:
                status = await self._live(number)
            except OSError as error:  # no memory for a process, say; there may be some later
                _log.error("worker cannot start", worker=number, reason=str(error))
                status = 1
            if self._stopping.is_set() or not self._ready.is_set():
                return status
            _log.error("worker died", worker=number, status=status)
            if time.monotonic() - started > _OLD:
                pause = _FIRST_PAUSE
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            if self._stopping.is_set():
                return status
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _live(self, number: int) -> int:
        """One worker's life; its exit status, as a shell counts signals."""
        listener = self._listeners[number].fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "sentiserve.api.worker"),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[listener],
            env=os.environ | {"RAYON_NUM_THREADS": str(cores_each(len(self._listeners)))},
            start_new_session=True,  # a terminal's Ctrl-C comes through the parent alone
        )
        self._running.add(process)
        if self._stopping.is_set():
            process.terminate()
        try:
            serves = await _told(process, Told(self._settings, number, listener, self._directory))
            if serves:
                self._ready.set()
            status = await process.wait()
        finally:
            self._running.discard(process)
        if status == -signal.SIGTERM and not serves:
            return 0  # it was told to stop before it had begun
        return 128 - status if status < 0 else status


async def _told(process: Process, told: Told) -> bool:
    """Tell a worker what to do; whether it does it. What tells stays open, as a sign of life."""
    assert process.stdin is not None  # noqa: S101  # as it was started
    assert process.stdout is not None  # noqa: S101
    with suppress(OSError):  # it is dead already
        process.stdin.write(pickle.dumps(told))
        await process.stdin.drain()
    return await process.stdout.readline() == READY
