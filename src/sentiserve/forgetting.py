"""Forgetting: a post, an author or a prefix disappears from everywhere."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from sentiserve.protocols import Store
from sentiserve.types import Author, PostRef, Prefix

_log = structlog.get_logger(__name__)
_PAUSE = 5.0  # seconds between two tries to finish what a dead process began


class Forgetful(Protocol):
    """What keeps predictions that wait for the store, in this process."""

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Remove what matches, for good; how many predictions that were."""


class Noting(Protocol):
    """What keeps predictions for good, and tells every process what is forgotten."""

    async def note(self, what: PostRef | Author | Prefix) -> None:
        """Let nobody record what matches any longer; quick, and for good."""

    async def remove(self, what: PostRef | Author | Prefix) -> int:
        """Remove what was noted; how many predictions that were. It may take long."""

    def unfinished(self) -> Sequence[PostRef | Author | Prefix]:
        """What was noted and not removed yet; on a thread, since it reads a file."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many predictions went.

    Attributes:
        online: from the store.
        offline: from the history.
    """

    online: int
    offline: int


class Forgetting:
    """Removes predictions from the history, the recorder and the store."""

    def __init__(self, history: Noting | None, waiting: Forgetful | None, store: Store) -> None:
        """Take those that there are."""
        self._history, self._waiting, self._store = history, waiting, store
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Forget, in the background, what a process noted that died before it was through."""
        if self._history is not None:
            self._task = asyncio.create_task(self._resume(self._history))

    async def close(self) -> None:
        """Stop; what isn't finished is for the next start. Harmless when never opened."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def forget(self, what: PostRef | Author | Prefix) -> Forgotten:
        """Remove a post, an author's posts or those that begin so; again, if it failed half-way.

        Raises:
            StoreError: a place can't be used now; the others may have forgotten already.
        """
        if self._history:
            await self._history.note(what)  # first, or it would come back behind the store
        if self._waiting:
            await self._waiting.forget(what)
        online = await self._store.forget(what)
        offline = await self._history.remove(what) if self._history else 0
        return Forgotten(online, offline)

    async def _resume(self, history: Noting) -> None:
        while True:
            try:
                for what in await asyncio.to_thread(history.unfinished):
                    await self._store.forget(what)
                    await history.remove(what)
                return
            except Exception as error:  # noqa: BLE001  # whatever it is, it may be over soon
                _log.warning("forgetting failed, trying again", error=str(error) or repr(error))
            await asyncio.sleep(_PAUSE)
