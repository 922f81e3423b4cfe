"""The counts that Redis keeps beside the posts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isclose
from random import Random

import pytest
from redis_server import RedisServer
from store.before import put_before

from sentiserve.errors import RefusedError
from sentiserve.store import redis_keys as keys
from sentiserve.store.redis import RedisStore, from_url
from sentiserve.testing import example_prediction
from sentiserve.types import Aggregate, AggregateQuery, Entity, Prediction, Step, TimelineQuery

TTL = timedelta(days=1)
MODEL = "model-1"
SOON = timedelta(seconds=1)
TAGS = AggregateQuery(Entity.HASHTAG, MODEL, limit=100)
AUTHORS = AggregateQuery(Entity.AUTHOR, MODEL, limit=100)
DAYS = TimelineQuery(MODEL, Step.DAY, "sun")
NOON = datetime.now(UTC).replace(hour=12, minute=0)
LABELS = ("negative", "neutral", "positive")
sunny = partial(example_prediction, author_id="7", author_handle="Anna", text="#Sun")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as started:
        yield started


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisStore]:
    server.clear()
    store = from_url(server.url, TTL // timedelta(seconds=1))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def kept(server: RedisServer) -> dict[str, int]:
    """How much there is under each key, by what it begins with."""
    with server.client(decode_responses=True) as client:
        sizes = {"zset": client.zcard, "hash": client.hlen, "string": client.strlen}
        found = {key: sizes[client.type(key)](key) for key in client.scan_iter()}
    return {key.removeprefix("ss1:{0}:").split(":")[0]: size for key, size in found.items()}


async def posts(store: RedisStore, query: AggregateQuery) -> dict[str, int]:
    return {one.name: one.posts for one in await store.aggregate(query)}


async def over_days(store: RedisStore) -> int:
    return sum(day.posts for day in await store.timeline(DAYS))


async def gone(store: RedisStore, prediction: Prediction) -> None:
    while await store.get([prediction.post.ref], MODEL) != [None]:
        await asyncio.sleep(0.02)


async def test_what_expired_counts_nowhere_before_anything_new_does(server: RedisServer) -> None:
    """However much it is, and though nobody has asked: the sets, too, are as if only the new were.

    Its own counts may have ended before, and must not be taken from what is counted now.
    """
    born = datetime.now(UTC) - TTL + SOON
    old = [sunny(f"{n}", created_at=NOON, predicted_at=born) for n in range(1_500)]
    async with opened(server) as store:
        await store.put(old)
        await gone(store, old[-1])
        with server.client() as client:
            client.delete(*client.scan_iter(match="*:d:*"))
        new = sunny("new", created_at=NOON, scores={"negative": 0.75, "positive": 0.25})
        await store.put([new])
        found = kept(server)
        assert {key: found[key] for key in ("l", "c", "a", "t", "ra", "rt", "sa", "st")} == (
            dict.fromkeys(("l", "c", "a", "t", "ra", "rt", "sa", "st"), 1)
        )
        for query in (AUTHORS, TAGS):
            (one,) = await store.aggregate(query)
            assert one.counts == {"negative": 1, "positive": 0}
            assert one.mean_scores == {"negative": 0.75, "positive": 0.25}
            assert one.first_seen == one.last_seen == NOON
        assert await over_days(store) == 1


async def test_no_script_is_long_that_takes_out_what_expired(server: RedisServer) -> None:
    """A few hundred posts at most, for a put as for a question."""
    born = datetime.now(UTC) - TTL + SOON
    old = [sunny(f"{n}", predicted_at=born) for n in range(3_000)]
    async with opened(server) as store:
        await store.put(old)
        await gone(store, old[-1])
        with server.client() as client:
            client.config_resetstat()
            assert await posts(store, TAGS) == {}
            assert client.info("commandstats")["cmdstat_eval"]["calls"] >= 3_000 / 200


async def test_sums_do_not_drift(server: RedisServer) -> None:
    """After thousands of changes what is left has the mean that it would have alone."""
    draw, now = Random(1), datetime.now(UTC)
    async with opened(server) as store:
        for round_ in range(20):
            some = []
            for number in range(100):
                low, high = sorted((draw.random(), draw.random()))
                scores = dict(zip(LABELS, (low, high - low, 1 - high), strict=True))
                at = now + timedelta(microseconds=round_)
                some.append(sunny(f"{number}", scores=scores, predicted_at=at))
            await store.put(some)
        for prediction in some[1:]:
            await store.forget(prediction.post.ref)
        (one,) = await store.aggregate(TAGS)
    assert one.posts == 1
    for label, score in some[0].sentiment.scores.items():
        assert isclose(one.mean_scores[label], score, abs_tol=1e-9)


async def test_nothing_stays_of_what_is_forgotten(server: RedisServer) -> None:
    """Neither handles nor labels nor hours; only which platforms and authors there were."""
    async with opened(server) as store:
        await store.put([sunny(f"{n}") for n in range(30)])
        for number in range(30):
            await store.forget(sunny(f"{number}").post.ref)
    assert kept(server).keys() == {"m", "n"}


async def test_a_post_that_cannot_be_put_spoils_no_count(server: RedisServer) -> None:
    """Those beside it are put and counted to the end, and once when they are put again."""
    some = [sunny(f"{number}") for number in range(5)]
    async with opened(server) as store:
        with server.client() as client:
            client.hset(keys.post(0, some[2].post.ref, MODEL), "somebody", "else's")
        for _ in range(2):
            with pytest.raises(RefusedError, match="WRONGTYPE"):
                await store.put(some)
            assert await posts(store, TAGS) == {"sun": 4}
            assert await over_days(store) == 4


async def test_what_redis_evicts_is_found_as_more_is_put(server: RedisServer) -> None:
    """It counts on until then; what was evicted is among the oldest."""
    born = datetime.now(UTC) - timedelta(hours=3)
    tick = timedelta(seconds=1)
    old = [sunny(f"{n}", predicted_at=born + n * tick) for n in range(500)]
    async with opened(server) as store:
        await store.put(old)
        with server.client() as client:  # as volatile-ttl does
            client.delete(*(key for key in client.scan_iter(match="*:p:*") if _id(key) < 400))
        assert await posts(store, TAGS) == {"sun": 500}
        for first in range(500, 1_500, 50):
            await store.put([sunny(f"{n}") for n in range(first, first + 50)])
        found = await posts(store, TAGS)
    assert 1_100 <= found["sun"] <= 1_100 + 40
    assert kept(server)["t"] == found["sun"]


def _id(key: bytes) -> int:
    return int(key.decode().split("/")[1])


async def test_a_renamed_author_is_found_by_each_handle(server: RedisServer) -> None:
    """Each handle has its own posts, the id has all of them, and the last handle by name shows."""
    names = ["Anna", "anna", "Ann", None]
    async with opened(server) as store:
        await store.put([sunny(f"{n}", author_handle=name) for n, name in enumerate(names)])
        for name, count in (("ANNA", 2), ("ann", 1), ("7", 4)):
            query = AggregateQuery(Entity.AUTHOR, MODEL, name=name)
            assert await posts(store, query) == {"7": count}
        (author,) = await store.aggregate(AUTHORS)
        assert author.handle == "anna"
        await store.forget(sunny("1").post.ref)
        (author,) = await store.aggregate(AUTHORS)
        assert author.handle == "Anna"


async def test_what_the_version_before_put_is_counted(server: RedisServer) -> None:
    """With the first question; what expired or was replaced or forgotten meanwhile is not."""
    now = datetime.now(UTC)
    old = [sunny(f"{n}", created_at=NOON, predicted_at=now) for n in range(1_200)]
    dying = [sunny(f"d{n}", created_at=NOON - TTL, predicted_at=now - TTL + SOON) for n in range(9)]
    async with opened(server) as store:
        await put_before(store, dying + old, TTL)
        await gone(store, dying[-1])
        with server.client() as client:  # found by chance, by the version before
            client.zrem("ss1:{0}:l:" + MODEL, *(f"x/d{n}:1:2" for n in range(4)))
            client.delete(*(f"ss1:{{0}}:p:x/{n}/{MODEL}:1:{len(str(n))}" for n in (100, 200)))
        again = timedelta(microseconds=1)
        await store.put([sunny("0", text="#rain", predicted_at=now + again)])
        assert await store.forget(old[1].post.ref) == 1
        assert await posts(store, TAGS) == {"sun": 1_196, "rain": 1}
        (author,) = await store.aggregate(AUTHORS)
        assert author.posts == 1_197
        (sun,) = (one for one in await store.aggregate(TAGS) if one.name == "sun")
        assert _plain(sun) == ({"negative": 0, "neutral": 0, "positive": 1_196}, NOON)
        assert await over_days(store) == 1_196
        assert sum(day.posts for day in await store.timeline(TimelineQuery(MODEL, Step.DAY))) == (
            1_197
        )
    assert "w" not in kept(server)


def _plain(one: Aggregate) -> tuple[dict[str, int], datetime]:
    return dict(one.counts), one.first_seen
