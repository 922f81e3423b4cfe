"""What keeps a history tidy while a service runs."""

import asyncio
from contextlib import suppress

import structlog

from sentiserve.history.history import History

_log = structlog.get_logger(__name__)
_PERIOD = 60 * 60  # seconds between two compactions


class Upkeep:
    """Compacts the days that are over, every hour; several processes may."""

    def __init__(self, history: History | None) -> None:
        """Take the history, if there is one."""
        self._history = history
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin, in the background."""
        if self._history is not None:
            self._task = asyncio.create_task(self._run(self._history))

    async def close(self) -> None:
        """Begin no other day; the history's own ``close`` breaks off the one under way."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, history: History) -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            try:
                await history.compact()
            except Exception as error:  # noqa: BLE001  # whatever it is, it may be over next time
                _log.warning("compaction failed", error=str(error) or repr(error))
