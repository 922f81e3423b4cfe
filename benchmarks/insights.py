"""Measure what a dashboard asks of a store of a million posts.

    python benchmarks/insights.py [--posts 1000000] [--store redis://HOST] [--json FILE]

The posts are made once and kept (``var/insights-N.db``, or the store that is named, which must be
empty or of an earlier run): authors and hashtags by Zipf's law, over 30 days, one hashtag on every
tenth post. Each query is asked so often that its median and its slowest are known. What that costs
requests beside it, ``benchmarks/beside.py`` measures on the same file.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.protocols import Store
from sentiserve.store.registry import make_store
from sentiserve.types import (
    AggregateQuery,
    Entity,
    Feedback,
    Post,
    PostRef,
    Prediction,
    Sentiment,
    Step,
    TimelineQuery,
)

DAYS, TTL = 30, 365 * 24 * 60 * 60
AUTHORS, TAGS, BATCH = 200_000, 20_000, 5_000
BUSY = "common"  # the hashtag on every tenth post
LABELS = ("negative", "neutral", "positive")
ROUNDS = 20  # of each query
MODEL = open_bundle(default_bundle()).manifest.info.id


def zipf(count: int) -> list[float]:
    """Cumulated weights: the n-th of them has one n-th of the first's."""
    return list(accumulate(1 / n for n in range(1, count + 1)))


def predictions(posts: int, now: datetime) -> Iterator[list[Prediction]]:
    """Batches, the oldest first."""
    draw = random.Random(7)
    authors, tags = zipf(AUTHORS), zipf(TAGS)
    step = timedelta(days=DAYS) / posts
    for start in range(0, posts, BATCH):
        size = min(BATCH, posts - start)
        by = draw.choices(range(AUTHORS), cum_weights=authors, k=size)
        about = draw.choices(range(TAGS), cum_weights=tags, k=size)
        made = []
        for number, (author, tag) in enumerate(zip(by, about, strict=True), start):
            at = now - timedelta(days=DAYS) + number * step
            busy = f" #{BUSY}" if number % 10 == 0 else ""
            some = f" #tag{tag}" if number % 3 == 0 else ""
            low, high = sorted((draw.random(), draw.random()))
            scores = dict(zip(LABELS, (low, high - low, 1 - high), strict=True))
            post = Post(
                ref=PostRef("x", f"{1_500_000_000_000_000_000 + number}"),
                text=f"A post as people write them, of eighty characters: {number}{busy}{some}",
                url=f"https://x.com/i/status/{1_500_000_000_000_000_000 + number}",
                author_id=f"{author}",
                author_handle=f"User{author}",
                created_at=at,
            )
            made.append(Prediction(post, Sentiment(scores), MODEL, at))
        yield made


async def fill(store: Store, posts: int) -> dict[str, float]:
    """Put what isn't there yet; a run that broke off is gone on with."""
    kept = dict(await store.count()).get(MODEL, 0)
    if kept >= posts:
        return {}
    now = datetime.now(UTC)
    seconds = 0.0
    for batch in predictions(posts, now):
        begin = time.perf_counter()
        await store.put(batch)
        seconds += time.perf_counter() - begin
        ref = batch[-1].post.ref
        if sys.stderr.isatty():
            print(f"\r{int(ref.id) - 1_500_000_000_000_000_000 + 1:,}", end="", file=sys.stderr)
    labels = random.Random(1).choices(LABELS, k=2_000)
    await store.judge(
        [
            Feedback(PostRef("x", f"{1_500_000_000_000_000_000 + n * 13}"), label, now)
            for n, label in enumerate(labels)
        ]
    )
    begin = time.perf_counter()
    await store.timeline(TimelineQuery(MODEL, Step.DAY))  # a store may count what was put only now
    counting = time.perf_counter() - begin
    return {"filled, predictions/s": posts / seconds, "counted after that, s": counting}


def queries(store: Store) -> dict[str, Callable[[], Awaitable[Any]]]:
    """All that a dashboard asks."""
    week = datetime.now(UTC) - timedelta(days=7)
    aggregate = partial(AggregateQuery, model_id=MODEL, limit=10)
    over = partial(TimelineQuery, MODEL)
    return {
        "authors": lambda: store.aggregate(aggregate(Entity.AUTHOR)),
        "hashtags": lambda: store.aggregate(aggregate(Entity.HASHTAG)),
        "one hashtag": lambda: store.aggregate(aggregate(Entity.HASHTAG, name=BUSY)),
        "its days": lambda: store.timeline(over(Step.DAY, BUSY)),
        "hours of a week": lambda: store.timeline(over(Step.HOUR, since=week)),
        "all days": lambda: store.timeline(over(Step.DAY)),
        "recent 20": lambda: store.recent(MODEL, 20),
        "recent 2,000": lambda: store.recent(MODEL, 2_000),
        "judgements 1,000": lambda: store.judgements(MODEL, 1_000),
    }


async def asked(store: Store, rounds: int) -> dict[str, float]:
    """Milliseconds of each query, the median and the slowest."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, ask in queries(store).items():
            begin = time.perf_counter()
            await ask()
            times.setdefault(name, []).append((time.perf_counter() - begin) * 1_000)
    return {
        f"{name}, {what} ms": of(taken)
        for name, taken in times.items()
        for what, of in (("median", median), ("slowest", max))
    }


async def measured(url: str, posts: int, rounds: int) -> dict[str, float]:
    """What the store gives by itself."""
    store = make_store(url, TTL)
    await store.open()
    try:
        return await fill(store, posts) | await asked(store, rounds)
    finally:
        await store.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--store", help="its URL, instead of a SQLite file in var/")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    url = given.store or f"sqlite:///var/insights-{given.posts}.db"
    figures = asyncio.run(measured(url, given.posts, given.rounds))
    for name, value in figures.items():
        print(f"{name:<32} {value:>12,.2f}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
