"""Forgetting: a post, an author or a prefix disappears from everywhere."""

from dataclasses import dataclass
from typing import Protocol

from sentiserve.protocols import Store
from sentiserve.types import Author, PostRef, Prefix


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
