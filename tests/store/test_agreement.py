"""The stores give the same answers."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from math import isclose
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis_server import RedisServer
from store.before import put_before

from sentiserve.errors import StoreError
from sentiserve.protocols import Store
from sentiserve.store.memory import MemoryStore
from sentiserve.store.redis import RedisStore, from_url
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing import example_prediction
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Entity,
    Feedback,
    Hashtag,
    PostRef,
    Prediction,
    Prefix,
    Step,
    Stretch,
    TimelineQuery,
)

TTL = 24 * 60 * 60
START = datetime.now(UTC) - timedelta(seconds=TTL)
MODELS = ("one", "other")
PLATFORMS = ("x", "bluesky")
IDS = ("1", "2", "3", "%")
TIMES = [START + timedelta(hours=hours) for hours in (-2, 2, 4, 6)]  # the first has expired

names = st.none() | st.sampled_from(["7", "8", "Anna", "ANNA", "a_n", "🎉"])
predictions = st.builds(
    example_prediction,
    st.sampled_from(IDS),
    platform=st.sampled_from(PLATFORMS),
    text=st.lists(st.sampled_from(["#Sun", "#sun", "#rain", "#Straße", "x"]), min_size=1).map(
        " ".join
    ),
    author_id=names,
    author_handle=names,
    created_at=st.none() | st.sampled_from(TIMES),
    scores=st.permutations([0.0, 0.25, 0.75]).map(
        lambda scores: dict(zip(("negative", "neutral", "positive"), scores, strict=True))
    ),
    truncated=st.booleans(),
    model_id=st.sampled_from(MODELS),
    predicted_at=st.sampled_from(TIMES),
)
timelines = st.builds(
    TimelineQuery,
    st.sampled_from(MODELS),
    st.sampled_from(Step),
    hashtag=st.none() | st.sampled_from(["sun", "rain", "strasse"]),
    since=st.none() | st.sampled_from(TIMES),
)
feedback = st.builds(
    Feedback,
    st.builds(PostRef, st.sampled_from(PLATFORMS), st.sampled_from(IDS)),
    st.sampled_from(["negative", "neutral"]),
    st.sampled_from(TIMES),
)
queries = st.builds(
    AggregateQuery,
    st.sampled_from(Entity),
    st.sampled_from(MODELS),
    name=names | st.sampled_from(["", "sun", "strasse", "anna"]),
    platform=st.none() | st.sampled_from(PLATFORMS),
    since=st.none() | st.sampled_from(TIMES),
    limit=st.integers(1, 5),
)


def assert_same(found: Sequence[Aggregate], expected: Sequence[Aggregate]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for attribute in ("platform", "name", "handle", "counts", "first_seen", "last_seen"):
            assert getattr(one, attribute) == getattr(other, attribute)
        assert one.mean_scores.keys() == other.mean_scores.keys()
        for label, score in other.mean_scores.items():
            assert isclose(one.mean_scores[label], score, abs_tol=1e-9)


entities = st.builds(
    Author, st.sampled_from(PLATFORMS), st.sampled_from(["7", "8", "Anna", "ANNA", "a_n", "🎉"])
) | st.builds(Hashtag, st.sampled_from(["sun", "rain", "strasse", "x"]))
forgettable = (
    st.builds(PostRef, st.sampled_from(PLATFORMS), st.sampled_from(IDS))
    | st.builds(Author, st.sampled_from(PLATFORMS), st.sampled_from(["7", "anna", "Anna", "A_N"]))
    | st.builds(Prefix, st.sampled_from(["x/1", "x", "bluesky/%", "x/%", "y", "x/1/"]))
)
many_puts = st.lists(st.lists(predictions, max_size=6), max_size=6)
SPANS = [timedelta(hours=hours) for hours in (1, 19, 30)]


def plain(stretches: Sequence[Stretch]) -> list[tuple[datetime, dict[str, int]]]:
    return [(s.start, {label: n for label, n in s.counts.items() if n}) for s in stretches]


async def assert_agree(
    one: Store,
    other: Store,
    asked: list[AggregateQuery],
    of: list[Author | Hashtag],
    over_time: Sequence[TimelineQuery] = (),
) -> None:
    """The stores give the same answers to everything."""
    refs = [PostRef(platform, post_id) for platform in PLATFORMS for post_id in IDS]
    now = datetime.now(UTC)
    for model in MODELS:
        assert list(await one.get(refs, model)) == list(await other.get(refs, model))
        pairs = zip(
            await one.windows(of, model, SPANS, now),
            await other.windows(of, model, SPANS, now),
            strict=True,
        )
        for mine, theirs in pairs:
            assert [span is None for span in mine] == [span is None for span in theirs]
            assert_same(
                [span for span in mine if span is not None],
                [span for span in theirs if span is not None],
            )
        recent = [await store.recent(model, 100) for store in (one, other)]
        assert {p.post.ref: p for p in recent[0]} == {p.post.ref: p for p in recent[1]}
        judged = [await store.judgements(model, 100) for store in (one, other)]
        assert {j.feedback: j for j in judged[0]} == {j.feedback: j for j in judged[1]}
        for newest in recent:
            times = [prediction.predicted_at for prediction in newest]
            assert times == sorted(times, reverse=True)
    for over in over_time:
        assert plain(await one.timeline(over)) == plain(await other.timeline(over))
    for query in asked:
        assert_same(await one.aggregate(query), await other.aggregate(query))


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as started:
        yield started


@pytest.fixture(params=["sqlite", "sqlite that counts", "redis", "redis in four shards"])
def make(
    request: pytest.FixtureRequest, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Store]:
    """Each test compares with each of them."""
    if request.param == "sqlite that counts":  # some of so few, which it otherwise adds up
        monkeypatch.setattr("sentiserve.store.sqlite._MOST", 2)
        monkeypatch.setattr("sentiserve.store.sqlite_ranking._SHORT", 3)

    def empty(directory: Path) -> Store:
        if request.param.startswith("sqlite"):
            return SqliteStore(directory / "store.db", TTL)
        server.clear()
        store = from_url(server.url, TTL)
        return in_shards(store, 4 if "shards" in request.param else 1)

    return empty


def in_shards(store: RedisStore, shards: int) -> RedisStore:
    """Spread as in a cluster, but on one server."""
    store._shards = shards
    store._posts.shards = range(shards)
    return store


fixed = HealthCheck.function_scoped_fixture  # only makes stores


@settings(max_examples=60, suppress_health_check=[fixed])
@given(
    puts=many_puts,
    forgotten=st.lists(forgettable, max_size=2),
    asked=st.lists(queries, min_size=4, max_size=8),
    of=st.lists(entities, max_size=4),
    over_time=st.lists(timelines, min_size=2, max_size=4),
    judged=st.lists(feedback, max_size=6),
)
def test_any_puts_give_the_same_answers(
    make: Callable[[Path], Store],
    puts: list[list[Prediction]],
    forgotten: list[PostRef | Author | Prefix],
    asked: list[AggregateQuery],
    of: list[Author | Hashtag],
    over_time: list[TimelineQuery],
    judged: list[Feedback],
) -> None:
    """Whatever is put, judged and forgotten: the stores agree on every answer."""

    async def scenario(one: Store, other: Store) -> None:
        for store in (one, other):
            await store.open()
            for put in puts:
                await store.put(put)
            await store.judge(judged)
        await assert_agree(one, other, asked, of, over_time)
        for what in forgotten:
            await one.forget(what)
            await other.forget(what)
            await assert_agree(one, other, asked, of, over_time)
        for store in (one, other):
            await store.close()

    with TemporaryDirectory() as directory:
        asyncio.run(scenario(MemoryStore(TTL), make(Path(directory))))


class Cut:
    """A connection that breaks off after some commands."""

    def __init__(self, connection: Connection, commands: int) -> None:
        self._connection = connection
        self._left = commands

    async def run(self, *commands: Command) -> list[Any]:
        answers = await self._connection.run(*commands[: self._left])
        self._left -= len(answers)
        if len(answers) < len(commands):
            raise StoreError("cut")
        return answers


@settings(max_examples=60, suppress_health_check=[fixed])
@given(
    puts=many_puts,
    writers=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    order=st.randoms(use_true_random=False),
    asked=st.lists(queries, min_size=4, max_size=8),
    of=st.lists(entities, max_size=4),
)
def test_writers_that_die_anywhere_leave_nothing_wrong(
    server: RedisServer,
    puts: list[list[Prediction]],
    writers: int,
    cuts: list[int],
    order: Random,
    asked: list[AggregateQuery],
    of: list[Author | Hashtag],
) -> None:
    """Puts that are cut off anywhere, and come again in any order, end as if none had been cut."""

    async def scenario(memory: MemoryStore, *stores: RedisStore) -> None:
        async with AsyncExitStack() as stack:
            for store in stores:
                stack.push_async_callback(store.close)
                await store.open()
            for put, cut in zip(puts, cuts, strict=False):
                store = order.choice(stores)
                whole, store._connection = (
                    store._connection,
                    cast("Any", Cut(store._connection, cut)),
                )
                with suppress(StoreError):
                    await store.put(put)
                store._connection = whole
            for put in order.sample(puts, len(puts)):
                await order.choice(stores).put(put)
                await memory.put(put)
            await assert_agree(memory, stores[0], asked, of)

    server.clear()
    made = [in_shards(from_url(server.url, TTL), 4) for _ in range(writers)]
    asyncio.run(scenario(MemoryStore(TTL), *made))


@settings(max_examples=60, suppress_health_check=[fixed])
@given(
    puts=st.lists(st.tuples(st.booleans(), st.lists(predictions, max_size=6)), max_size=6),
    forgotten=st.lists(forgettable, max_size=2),
    asked=st.lists(queries, min_size=4, max_size=8),
    over_time=st.lists(timelines, min_size=2, max_size=4),
)
def test_the_version_before_may_write_beside_this_one(
    server: RedisServer,
    puts: list[tuple[bool, list[Prediction]]],
    forgotten: list[PostRef | Author | Prefix],
    asked: list[AggregateQuery],
    over_time: list[TimelineQuery],
) -> None:
    """Posts that either of them put, in any order, count as if this one had put them all."""

    async def scenario(memory: MemoryStore, store: RedisStore) -> None:
        await store.open()
        for is_before, put in puts:
            await memory.put(put)
            if is_before:
                await put_before(store, put, timedelta(seconds=TTL))
            else:
                await store.put(put)
        await assert_agree(memory, store, asked, [], over_time)
        for what in forgotten:
            await memory.forget(what)
            await store.forget(what)
        await assert_agree(memory, store, asked, [], over_time)
        await store.close()

    server.clear()
    asyncio.run(scenario(MemoryStore(TTL), in_shards(from_url(server.url, TTL), 4)))
