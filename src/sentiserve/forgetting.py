"""Forgetting: a post, an author or a prefix disappears from everywhere."""

from dataclasses import dataclass
from typing import Protocol

from sentiserve.protocols import Store
from sentiserve.types import Author, PostRef, Prefix


class Forgetful(Protocol):
    """Whatever keeps predictions besides the store."""

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Remove what matches, for good; how many predictions that were."""


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

    def __init__(self, history: Forgetful | None, waiting: Forgetful | None, store: Store) -> None:
        """Take those that there are; what waits for the store, in this process, is ``waiting``."""
        # The history goes first: it notes what is forgotten, for every process that records.
        self._history, self._waiting, self._store = history, waiting, store

    async def forget(self, what: PostRef | Author | Prefix) -> Forgotten:
        """Remove a post, an author's posts or those that begin so; again, if it failed half-way.

        Raises:
            StoreError: a place can't be used now; the others may have forgotten already.
        """
        offline = await self._history.forget(what) if self._history else 0
        if self._waiting:
            await self._waiting.forget(what)
        return Forgotten(await self._store.forget(what), offline)
