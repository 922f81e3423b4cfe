"""What keeps a history tidy while a service runs."""

import asyncio
from contextlib import suppress

import structlog

from sentiserve.errors import StoreError
from sentiserve.history.history import History

_log = structlog.get_logger(__name__)
_PERIOD = 60 * 60  # seconds between two compactions


class Upkeep:
    """Compacts the days that are over, every hour; several processes may."""

    def __init__(self, history: History | None) -> None:
        """Take the history, if there is one."""
        self._history = history
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin, in the background."""
        if self._history is not None:
            self._task = asyncio.create_task(self._run(self._history))

    async def close(self) -> None:
        """Stop, when a compaction that is under way has ended."""
        self._stop.set()
        if self._task is not None:
            await self._task

    async def _run(self, history: History) -> None:
        while not await self._stopped_within(_PERIOD):
            try:
                await history.compact()
            except StoreError as error:
                _log.warning("compaction failed", error=str(error))

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()
