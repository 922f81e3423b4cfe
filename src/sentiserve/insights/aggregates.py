"""Sentiment by author and by hashtag, asked for as people write them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sentiserve.errors import NotFoundError
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Aggregate, AggregateQuery, Entity


class Aggregates:
    """Aggregates of one model's predictions; a time without a zone is taken as UTC."""

    def __init__(self, store: Store, model_id: str, timeout: float) -> None:
        """Take the open store, whose predictions count, and the seconds that it may take."""
        self._store = store
        self._model_id = model_id
        self._timeout = timeout

    async def authors(
        self, *, limit: int, platform: str | None = None, since: datetime | None = None
    ) -> Sequence[Aggregate]:
        """The authors with most posts.

        Raises:
            StoreError: the store can't be used, or didn't answer in time.
        """
        query = AggregateQuery(
            Entity.AUTHOR, self._model_id, platform=platform, since=_utc(since), limit=limit
        )
        return await self._found(query)

    async def author(self, platform: str, name: str, since: datetime | None = None) -> Aggregate:
        """One author, by id or by handle, with or without ``@``.

        Raises:
            NotFoundError: the store holds none of their posts.
            StoreError: the store can't be used, or didn't answer in time.
        """
        return await self._one(
            AggregateQuery(
                Entity.AUTHOR,
                self._model_id,
                name=name.removeprefix("@"),
                platform=platform,
                since=_utc(since),
                limit=1,
            )
        )

    async def hashtags(self, *, limit: int, since: datetime | None = None) -> Sequence[Aggregate]:
        """The hashtags with most posts.

        Raises:
            StoreError: the store can't be used, or didn't answer in time.
        """
        query = AggregateQuery(Entity.HASHTAG, self._model_id, since=_utc(since), limit=limit)
        return await self._found(query)

    async def hashtag(self, tag: str, since: datetime | None = None) -> Aggregate:
        """One hashtag, in any case, with or without ``#``.

        Raises:
            NotFoundError: the store holds no post with it.
            StoreError: the store can't be used, or didn't answer in time.
        """
        name = tag.removeprefix("#").casefold()
        return await self._one(
            AggregateQuery(Entity.HASHTAG, self._model_id, name=name, since=_utc(since), limit=1)
        )

    async def _one(self, query: AggregateQuery) -> Aggregate:
        found = await self._found(query)
        if not found:
            raise NotFoundError(f"nothing is known of this {query.entity}")
        return found[0]

    async def _found(self, query: AggregateQuery) -> Sequence[Aggregate]:
        async with store_within(self._timeout, "ask for fewer"):
            return await self._store.aggregate(query)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
