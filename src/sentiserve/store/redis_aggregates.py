"""Aggregates over posts in Redis.

What is asked for of all times is read from the tallies that the scripts keep; the rest is added up.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from sentiserve.store.redis_counts import Counts
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_ranking import Order, Ranking
from sentiserve.store.redis_tally import Tally
from sentiserve.store.redis_values import decoded, micros
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Entity,
    Hashtag,
    Prediction,
)

_PAGE = 500  # posts that are read together


class Aggregator:
    """Answers queries; expired predictions count nowhere."""

    def __init__(self, posts: Posts, counts: Counts, ttl: timedelta) -> None:
        """Take the posts, what counts them, and how long a prediction lives."""
        self._posts = posts
        self._counted = counts
        self._ttl = ttl

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        """Aggregates, the one with most posts first, then by platform and name."""
        if _is_tallied(query):
            await self._counted.settle(query.model_id)
        if query.name is None:
            return await self._most_active(query)
        entities = await self._called(query, query.name)
        return sorted(await self._aggregates(entities, query), key=_order)[: query.limit]

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> list[list[Aggregate | None]]:
        """For each entity its aggregate over each of the spans."""
        distinct = list(dict.fromkeys(entities))
        tallies = {entity: [Tally() for _ in spans] for entity in distinct}
        starts = [now - span for span in spans]
        if starts:
            since, until = micros(min(starts)) + 1, micros(now)
            async for entity, prediction in self.read(distinct, model_id, since, until, now):
                for start, tally in zip(starts, tallies[entity], strict=True):
                    if start < prediction.seen_at <= now:
                        tally.add(prediction)
        return [[tally.of(entity) for tally in tallies[entity]] for entity in entities]

    async def _most_active(self, query: AggregateQuery) -> list[Aggregate]:
        """Read the ones that may have most until no other can have more than those found."""
        ranking = Ranking(self._posts, query)
        best: list[Aggregate] = []
        while entities := await ranking.next(
            _order(best[-1]) if len(best) == query.limit else None
        ):
            best = sorted(best + await self._aggregates(entities, query), key=_order)[: query.limit]
        return best

    async def _called(self, query: AggregateQuery, name: str) -> Sequence[Author | Hashtag]:
        if query.entity is Entity.HASHTAG:
            return [Hashtag(name)]
        if query.platform is not None:
            platforms = [query.platform]
        else:
            models = await self._posts.models()
            platforms = [platform for platform, model in models if model == query.model_id]
        return list(await self._posts.called(name, query.model_id, platforms))

    async def _aggregates(
        self, entities: Sequence[Author | Hashtag], query: AggregateQuery
    ) -> list[Aggregate]:
        tallies: dict[Author | Hashtag, Tally] = {}
        if _is_tallied(query):
            tallies = await self._counted.tallies(entities, query.model_id)
        others = [one for one in entities if not _is_exact(tallies.get(one), one, query)]
        tallies |= await self._added_up(others, query)
        found = (tally.of(entity) for entity, tally in tallies.items())
        return [aggregate for aggregate in found if aggregate is not None]

    async def _added_up(
        self, entities: Sequence[Author | Hashtag], query: AggregateQuery
    ) -> dict[Author | Hashtag, Tally]:
        tallies: dict[Author | Hashtag, Tally] = {entity: Tally() for entity in entities}
        since = "-inf" if query.since is None else micros(query.since)
        read = self.read(entities, query.model_id, since, "+inf", datetime.now(UTC))
        async for entity, prediction in read:
            if _asked_for(prediction, query):
                tallies[entity].add(prediction)
        return tallies

    async def read(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        since: str | int,
        until: str | int,
        now: datetime,
    ) -> AsyncIterator[tuple[Author | Hashtag, Prediction]]:
        """The predictions of each; those that may have been seen since and until."""
        async for pairs in self._posts.seen(entities, model_id, since, until):
            for start in range(0, len(pairs), _PAGE):
                page = pairs[start : start + _PAGE]
                values = await self._posts.values([ref for _, ref in page], model_id)
                for (entity, _), value in zip(page, values, strict=True):
                    prediction = decoded(value)
                    if prediction is not None and self._counts(prediction, entity, now):
                        yield entity, prediction

    def _counts(self, prediction: Prediction, entity: Author | Hashtag, now: datetime) -> bool:
        is_alive = prediction.predicted_at + self._ttl > now
        return is_alive and _counts_for(prediction, entity)  # it may have been replaced since


def _is_tallied(query: AggregateQuery) -> bool:
    """Whether tallies may answer: they know neither times nor the platforms of hashtags."""
    return query.since is None and (query.entity is Entity.AUTHOR or query.platform is None)


def _is_exact(tally: Tally | None, entity: Author | Hashtag, query: AggregateQuery) -> bool:
    """Whether a tally is of all that is asked for: others' posts may be by a handle, too."""
    if tally is None or isinstance(entity, Hashtag) or query.name is None:
        return tally is not None
    return entity.author == query.name or tally.is_by(query.name)


def _counts_for(prediction: Prediction, entity: Author | Hashtag) -> bool:
    post = prediction.post
    if isinstance(entity, Author):
        return post.author == entity.author and post.ref.platform == entity.platform
    return entity.hashtag in post.hashtags


def _asked_for(prediction: Prediction, query: AggregateQuery) -> bool:
    post = prediction.post
    if query.platform not in {None, post.ref.platform}:
        return False
    if query.since is not None and prediction.seen_at < query.since:
        return False
    if query.entity is Entity.HASHTAG or query.name in {None, post.author_id}:
        return True
    return post.author_handle is not None and post.author_handle.casefold() == query.name.casefold()


def _order(aggregate: Aggregate) -> Order:
    return -aggregate.posts, aggregate.platform or "", aggregate.name
