"""Sentiment by author and by hashtag, asked for as people write them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sentiserve.errors import NotFoundError, StoreTimeoutError
from sentiserve.insights.aggregates import Aggregates
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.types import Aggregate, AggregateQuery

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, 12, tzinfo=UTC)
POSTS = [
    example_prediction("1", author_id="7", author_handle="Anna", text="#Sun", created_at=MARCH),
    example_prediction("2", author_id="7", author_handle="Anna", text="#sun", created_at=JUNE),
    example_prediction("3", author_id="8", author_handle="ben", text="#Straße", created_at=JUNE),
    example_prediction("4", platform="mastodon", author_handle="Anna", text="#Sun"),
    example_prediction("5", author_id="9", text="#other", model_id="other"),
]


@pytest.fixture
async def aggregates() -> AsyncIterator[Aggregates]:
    store = MemoryStore(ttl=86_400)
    await store.open()
    await store.put(POSTS)
    yield Aggregates(store, "model-1", timeout=5)
    await store.close()


async def test_authors_are_of_one_model(aggregates: Aggregates) -> None:
    """The most active come first, and what another model said doesn't count."""
    found = await aggregates.authors(limit=10)
    assert [(author.platform, author.name, author.posts) for author in found] == [
        ("x", "7", 2),
        ("mastodon", "Anna", 1),
        ("x", "8", 1),
    ]
    assert list(await aggregates.authors(limit=1)) == [found[0]]
    assert list(await aggregates.authors(limit=10, platform="mastodon")) == [found[1]]


@pytest.mark.parametrize("name", ["7", "Anna", "anna", "@Anna", "@ANNA"])
async def test_an_author_is_found_as_people_write_it(aggregates: Aggregates, name: str) -> None:
    """By id, or by handle in any case, with or without the sign."""
    author = await aggregates.author("x", name)
    assert (author.platform, author.name, author.posts) == ("x", "7", 2)


async def test_an_author_is_one_platforms(aggregates: Aggregates) -> None:
    assert (await aggregates.author("mastodon", "anna")).posts == 1


async def test_hashtags_are_of_one_model(aggregates: Aggregates) -> None:
    """The most used come first, of all platforms together."""
    found = await aggregates.hashtags(limit=10)
    assert [(hashtag.name, hashtag.posts) for hashtag in found] == [("sun", 3), ("strasse", 1)]
    assert list(await aggregates.hashtags(limit=1)) == [found[0]]


@pytest.mark.parametrize(
    ("tag", "name"), [("sun", "sun"), ("#Sun", "sun"), ("SUN", "sun"), ("#STRASSE", "strasse")]
)
async def test_a_hashtag_is_found_as_people_write_it(
    aggregates: Aggregates, tag: str, name: str
) -> None:
    """In any case, with or without the sign."""
    assert (await aggregates.hashtag(tag)).name == name


async def test_what_nobody_posted_is_not_found(aggregates: Aggregates) -> None:
    """An unknown author or hashtag, one of another platform or model, and an empty name."""
    for platform, name in [("x", "1"), ("bluesky", "7"), ("x", "9"), ("x", "@"), ("x", "")]:
        with pytest.raises(NotFoundError, match="author"):
            await aggregates.author(platform, name)
    for tag in ("rain", "other", "#", "", "%"):
        with pytest.raises(NotFoundError, match="hashtag"):
            await aggregates.hashtag(tag)


@pytest.mark.parametrize(
    "since", [JUNE, JUNE.replace(tzinfo=None), JUNE.astimezone(timezone(timedelta(hours=5)))]
)
async def test_a_time_without_a_zone_is_utc(aggregates: Aggregates, since: datetime) -> None:
    """Only posts from then on count, wherever a time is taken; any zone will do."""
    authors = await aggregates.authors(limit=10, platform="x", since=since)
    assert [author.posts for author in authors] == [1, 1]
    assert (await aggregates.author("x", "7", since)).first_seen == JUNE
    hashtags = await aggregates.hashtags(limit=10, since=since)
    assert [hashtag.posts for hashtag in hashtags] == [2, 1]
    assert (await aggregates.hashtag("sun", since)).posts == 2
    late = since + timedelta(seconds=1)
    with pytest.raises(NotFoundError):
        await aggregates.author("x", "7", late)


class SlowStore(MemoryStore):
    """Aggregates for longer than anybody waits."""

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        await asyncio.sleep(60)
        return []


async def test_nobody_waits_for_longer_than_the_store_may_take() -> None:
    aggregates = Aggregates(SlowStore(ttl=60), "model-1", timeout=0.01)
    questions: Sequence[object] = await asyncio.gather(
        aggregates.authors(limit=1),
        aggregates.author("x", "7"),
        aggregates.hashtags(limit=1),
        aggregates.hashtag("sun"),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in questions] == [StoreTimeoutError] * 4
