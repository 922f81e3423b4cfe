"""Measure what a dashboard asks of a store of a million posts, and what that costs requests.

    python benchmarks/insights.py [--posts 1000000] [--store redis://HOST] [--json FILE]

The posts are made once and kept (``var/insights-N.db``, or the store that is named, which must be
empty or of an earlier run): authors and hashtags by Zipf's law, over 30 days, one hashtag on every
tenth post. Each query is asked so often that its median and its slowest are known. Then a service
answers for posts that it remembers, in turns alone and beside one to whose HTTP interface all that
a dashboard asks goes every second: medians and 99th percentiles of both, and their ratios.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

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
TURNS, REQUESTS = 4, 1_500  # with and without a dashboard
MODEL = open_bundle(default_bundle()).manifest.info.id
PATHS = [
    "/v1/authors?limit=10",
    "/v1/hashtags?limit=10",
    f"/v1/hashtags/{BUSY}",
    f"/v1/timeline?hashtag={BUSY}&step=day",
    "/v1/timeline?step=hour",
    "/v1/timeline?step=day",
    "/v1/posts?limit=20",
]


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
    await store.timeline(TimelineQuery(MODEL, Step.DAY))  # not all may be counted yet
    first = time.perf_counter() - begin
    return {"filled, predictions/s": posts / seconds, "the first query after that, s": first}


def queries(store: Store) -> dict[str, Callable[[], Awaitable[Any]]]:
    """All that a dashboard asks."""
    week, hour = (datetime.now(UTC) - timedelta(hours=hours) for hours in (7 * 24, 1))
    aggregate = partial(AggregateQuery, model_id=MODEL, limit=10)
    over = partial(TimelineQuery, MODEL)
    return {
        "authors": lambda: store.aggregate(aggregate(Entity.AUTHOR)),
        "hashtags": lambda: store.aggregate(aggregate(Entity.HASHTAG)),
        "one hashtag": lambda: store.aggregate(aggregate(Entity.HASHTAG, name=BUSY)),
        "authors of a week": lambda: store.aggregate(aggregate(Entity.AUTHOR, since=week)),
        "authors of an hour": lambda: store.aggregate(aggregate(Entity.AUTHOR, since=hour)),
        "hashtags of a week": lambda: store.aggregate(aggregate(Entity.HASHTAG, since=week)),
        "one author": lambda: store.aggregate(aggregate(Entity.AUTHOR, name="0")),
        "its week": lambda: store.aggregate(aggregate(Entity.AUTHOR, name="0", since=week)),
        "one by handle": lambda: store.aggregate(aggregate(Entity.AUTHOR, name="uSER0")),
        "one hashtag's week": lambda: store.aggregate(
            aggregate(Entity.HASHTAG, name=BUSY, since=week)
        ),
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


@contextmanager
def service(store: str) -> Iterator[httpx.Client]:
    """A service on the store, and a client of it."""
    env = os.environ | {
        "SENTISERVE_STORE": store,
        "SENTISERVE_TTL": str(TTL),
        "SENTISERVE_SOURCES": "archive",
        "SENTISERVE_HISTORY": "off",
        "SENTISERVE_DURABILITY": "none",
    }
    command = [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", "18431"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url="http://127.0.0.1:18431", trust_env=False, timeout=60) as client:
            while True:
                try:
                    client.get("/health/ready").raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def poll(base: str, stop: Event) -> None:
    """All that a dashboard asks, every second."""
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        while not stop.is_set():
            begin = time.perf_counter()
            for path in PATHS:
                client.get(path).raise_for_status()
            stop.wait(max(0.0, 1 - (time.perf_counter() - begin)))


def requests(client: httpx.Client, posts: int, seed: int) -> list[float]:
    """Milliseconds of each answer for a post that is remembered."""
    draw, taken = random.Random(seed), []
    for _ in range(REQUESTS):
        url = f"https://x.com/i/status/{1_500_000_000_000_000_000 + draw.randrange(posts)}"
        begin = time.perf_counter()
        answer = client.get("/v1/inference", params={"tweetUrl": url})
        taken.append((time.perf_counter() - begin) * 1_000)
        assert answer.json()["cached"], answer.text
    return taken


def beside(store: str, posts: int) -> dict[str, float]:
    """Latencies of remembered posts alone and beside a dashboard, in turns."""
    alone: list[float] = []
    watched: list[float] = []
    spawn = multiprocessing.get_context("spawn")
    with service(store) as client:
        requests(client, posts, 0)
        for turn in range(TURNS):
            alone += requests(client, posts, turn)
            stop = spawn.Event()  # a process of its own: it must not slow who measures
            page = spawn.Process(target=poll, args=(str(client.base_url), stop))
            page.start()
            watched += requests(client, posts, turn)
            stop.set()
            page.join()
    figures: dict[str, float] = {}
    for what, point in (("p50", 49), ("p99", 98)):
        one, other = (quantiles(taken, n=100)[point] for taken in (alone, watched))
        figures |= {
            f"{what} alone, ms": one,
            f"{what} beside, ms": other,
            f"{what}, beside / alone": other / one,
        }
    return figures


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
    figures |= beside(url, given.posts)
    for name, value in figures.items():
        print(f"{name:<32} {value:>12,.2f}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
