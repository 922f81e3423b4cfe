"""The store that ends with its process: for tests, trials and services that need no memory."""

import asyncio
import heapq
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Entity,
    Feedback,
    Hashtag,
    Judgement,
    Post,
    PostRef,
    Prediction,
    Prefix,
    Stretch,
    TimelineQuery,
)

CAPACITY = 100_000  # predictions, commonly of about 2 KB; the ones written first go first
_Kept = OrderedDict[tuple[PostRef, str], Prediction]


class MemoryStore:
    """Predictions in a dictionary of bounded size."""

    def __init__(self, ttl: int) -> None:
        """Set the seconds to live."""
        self._ttl = timedelta(seconds=ttl)
        self._kept: _Kept = OrderedDict()
        self._feedback: OrderedDict[PostRef, Feedback] = OrderedDict()  # as many as predictions

    async def open(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._feedback.clear()

    async def check(self) -> None:
        """Memory is always there."""

    async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
        """What is kept and not expired."""
        found = (self._kept.get((ref, model_id)) for ref in refs)
        now = datetime.now(UTC)
        return [p if p is not None and p.predicted_at + self._ttl > now else None for p in found]

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions; beyond the capacity the ones written first are dropped."""
        for prediction in predictions:
            key = (prediction.post.ref, prediction.model_id)
            kept = self._kept.get(key)
            if kept is None or prediction.predicted_at >= kept.predicted_at:
                self._kept[key] = prediction
        while len(self._kept) > CAPACITY:
            self._kept.popitem(last=False)

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        """Aggregates over what is kept and not expired."""
        kept, now = list(self._kept.values()), datetime.now(UTC)
        return await asyncio.to_thread(lambda: _aggregates(self._living(kept, now), query))

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> list[list[Aggregate | None]]:
        """Aggregates over spans of time that end now, of what is kept and not expired."""
        kept, starts = list(self._kept.values()), [now - span for span in spans]

        def read() -> list[list[Aggregate | None]]:
            seen = (
                prediction
                for prediction in self._living(kept, now)
                if prediction.model_id == model_id and prediction.seen_at <= now
            )
            groups = _windows(seen, entities, starts)
            return [[_of(entity, group) for group in groups[entity]] for entity in entities]

        return await asyncio.to_thread(read)

    async def timeline(self, query: TimelineQuery) -> list[Stretch]:
        """Hours or days of what is kept and not expired."""
        kept, now = list(self._kept.values()), datetime.now(UTC)
        return await asyncio.to_thread(lambda: _stretches(self._living(kept, now), query))

    async def recent(self, model_id: str, limit: int) -> list[Prediction]:
        """What was predicted last, and is not expired."""
        kept, now = list(self._kept.values()), datetime.now(UTC)

        def newest() -> list[Prediction]:
            ours = (p for p in self._living(kept, now) if p.model_id == model_id)
            return heapq.nlargest(limit, ours, key=lambda p: p.predicted_at)

        return await asyncio.to_thread(newest)

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep true labels; beyond the capacity the ones of the posts judged first are dropped."""
        for given in feedback:
            known = self._feedback.get(given.ref)
            if known is None or given.given_at >= known.given_at:
                self._feedback[given.ref] = given
        while len(self._feedback) > CAPACITY:
            self._feedback.popitem(last=False)

    async def judgements(self, model_id: str, limit: int) -> list[Judgement]:
        """True labels, newest first, beside what is kept and not expired."""
        newest = sorted(self._feedback.values(), key=lambda given: given.given_at, reverse=True)
        kept = await self.get([given.ref for given in newest], model_id)
        judged = (Judgement(p, given) for p, given in zip(kept, newest, strict=True) if p)
        return list(islice(judged, limit))

    async def count(self) -> dict[str, int]:
        """What is kept and not expired."""
        alive = self._living(self._kept.values(), datetime.now(UTC))
        return dict(Counter(prediction.model_id for prediction in alive))

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Drop the predictions, and the true labels of the posts."""
        forgotten = [p for p in self._kept.values() if p.post.is_one_of(what)]
        for prediction in forgotten:
            del self._kept[prediction.post.ref, prediction.model_id]
        living = list(self._living(forgotten, datetime.now(UTC)))
        judged = [ref for ref in self._feedback if Post(ref, "").is_one_of(what)]
        for ref in {*judged, *(prediction.post.ref for prediction in living)}:
            self._feedback.pop(ref, None)
        return len(living)

    def _living(self, predictions: Iterable[Prediction], now: datetime) -> Iterator[Prediction]:
        return (p for p in predictions if p.predicted_at + self._ttl > now)


def _stretches(predictions: Iterable[Prediction], query: TimelineQuery) -> list[Stretch]:
    since = None if query.since is None else query.step.start_of(query.since)
    counts: dict[datetime, Counter[str]] = defaultdict(Counter)
    for prediction in predictions:
        start = query.step.start_of(prediction.seen_at)
        if (
            prediction.model_id == query.model_id
            and (since is None or start >= since)
            and (query.hashtag is None or query.hashtag in prediction.post.hashtags)
        ):
            counts[start][prediction.sentiment.label] += 1
    return [Stretch(start, dict(counts[start])) for start in sorted(counts)]


def _windows(
    predictions: Iterable[Prediction],
    entities: Iterable[Author | Hashtag],
    starts: Sequence[datetime],
) -> dict[Author | Hashtag, list[list[Prediction]]]:
    """What was seen after each start, of each entity, in one pass: finding entities is costly."""
    groups: dict[Author | Hashtag, list[list[Prediction]]]
    groups = {entity: [[] for _ in starts] for entity in entities}
    for prediction in predictions:
        for entity in prediction.post.entities:
            for start, group in zip(starts, groups.get(entity, ()), strict=False):
                if prediction.seen_at > start:
                    group.append(prediction)
    return groups


def _of(entity: Author | Hashtag, group: Sequence[Prediction]) -> Aggregate | None:
    if not group:
        return None
    if isinstance(entity, Author):
        return _aggregate(entity.platform, entity.author, group)
    return _aggregate(None, entity.hashtag, group)


def _aggregates(predictions: Iterable[Prediction], query: AggregateQuery) -> list[Aggregate]:
    groups: dict[tuple[str | None, str], list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        if _asked_for(prediction, query):
            for group in _groups(prediction, query):
                groups[group].append(prediction)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_aggregate(*name, group) for name, group in ordered[: query.limit]]


def _asked_for(prediction: Prediction, query: AggregateQuery) -> bool:
    return (
        prediction.model_id == query.model_id
        and query.platform in {None, prediction.post.ref.platform}
        and (query.since is None or prediction.seen_at >= query.since)
    )


def _groups(prediction: Prediction, query: AggregateQuery) -> Iterator[tuple[str | None, str]]:
    post = prediction.post
    if query.entity is Entity.HASHTAG:
        yield from ((None, tag) for tag in post.hashtags if query.name in {None, tag})
        return
    handle = post.author_handle and post.author_handle.casefold()
    if post.author and (query.name in {None, post.author_id} or query.name.casefold() == handle):
        yield post.ref.platform, post.author


def _aggregate(platform: str | None, name: str, group: Sequence[Prediction]) -> Aggregate:
    labels = dict.fromkeys(label for p in group for label in p.sentiment.scores)
    scores = {
        label: [p.sentiment.scores[label] for p in group if label in p.sentiment.scores]
        for label in labels
    }
    handles = [p.post.author_handle for p in group if platform and p.post.author_handle]
    return Aggregate(
        platform=platform,
        name=name,
        handle=max(handles, default=None),
        counts={label: sum(p.sentiment.label == label for p in group) for label in labels},
        mean_scores={label: sum(values) / len(values) for label, values in scores.items()},
        first_seen=min(p.seen_at for p in group),
        last_seen=max(p.seen_at for p in group),
    )


def from_url(_: str, ttl: int) -> MemoryStore:
    """The store for ``memory://``."""
    return MemoryStore(ttl)
