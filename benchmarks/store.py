"""Measure the stores side by side, on a Redis that this starts and stops.

    python benchmarks/store.py [--json] [--posts 200000]

What is compared is measured in turns, so that a busy machine slows all of it alike; figures are
medians. Nothing is kept.
"""

import argparse
import asyncio
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import redis.asyncio as redis

from sentiserve.protocols import Store
from sentiserve.store import redis_keys as keys
from sentiserve.store.redis import RedisStore
from sentiserve.store.redis import from_url as redis_store
from sentiserve.store.redis_values import decoded
from sentiserve.store.sqlite import from_url as sqlite_store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

DAY = 24 * 60 * 60
MODEL = "0123456789abcdef"
WORDS = [
    "the",
    "a",
    "day",
    "sun",
    "rain",
    "match",
    "train",
    "coffee",
    "again",
    "never",
    "good",
    "news",
]
TAGS = [f"#tag{number}" for number in range(400)]
ROUNDS = 1_500


def predictions(count: int, first: int = 0) -> list[Prediction]:
    """Posts as they come: 60 % have an author, 20 % a hashtag; a few of each have most."""
    draw = random.Random(first)
    now = datetime.now(UTC)
    made = []
    for number in range(first, first + count):
        words = draw.choices(WORDS, k=draw.randint(8, 24))
        if draw.random() < 0.2:
            words.append(TAGS[int(draw.paretovariate(0.7)) % len(TAGS)])
        author = int(draw.paretovariate(0.7)) % 50_000 if draw.random() < 0.6 else None
        scores = sorted(draw.random() for _ in range(2))
        post = Post(
            ref=PostRef("x", f"{1_500_000_000_000_000_000 + number * 7919}"),
            text=" ".join(words),
            url=f"https://x.com/i/status/{number}",
            author_id=None if author is None else f"{author}",
            author_handle=None if author is None else f"User{author}",
            created_at=now - timedelta(seconds=draw.randrange(40 * DAY)),
        )
        sentiment = Sentiment(
            {"negative": scores[0], "neutral": scores[1] - scores[0], "positive": 1 - scores[1]}
        )
        made.append(Prediction(post, sentiment, MODEL, now - timedelta(seconds=number % 1_000)))
    return made


@contextmanager
def server() -> Iterator[Path]:
    """A Redis on a Unix socket and on no port; its directory."""
    with tempfile.TemporaryDirectory() as directory:
        options = ["--dir", directory, "--unixsocket", f"{directory}/socket", "--save", ""]
        process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", "0", *options],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not (Path(directory) / "socket").exists():
                time.sleep(0.01)
            yield Path(directory)
        finally:
            process.terminate()
            process.wait()


async def in_turns(rounds: int, **asked: Callable[[int], Awaitable[Any]]) -> dict[str, float]:
    """The median microseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(rounds):
        for name, ask in asked.items():
            start = time.perf_counter()
            await ask(number)
            times[name].append(time.perf_counter() - start)
    return {name: median(taken[rounds // 10 :]) * 1e6 for name, taken in times.items()}


async def reads(
    ours: RedisStore, sqlite: Store, raw: Any, kept: list[Prediction]
) -> dict[str, float]:
    """One post, and a hundred."""
    refs = [prediction.post.ref for prediction in kept]
    names = [key.decode() for key in keys.posts(0, refs, MODEL)]  # as people write them
    last = len(refs) - 100

    async def decoding(number: int) -> list[Prediction | None]:
        found = await raw.mget(names[number % last : number % last + 100])
        return [decoded(value) for value in found]

    one = await in_turns(
        ROUNDS,
        raw=lambda number: raw.get(names[number * 7 % last]),
        redis=lambda number: ours.get([refs[number * 7 % last]], MODEL),
        sqlite=lambda number: sqlite.get([refs[number * 7 % last]], MODEL),
    )
    hundred = await in_turns(
        ROUNDS // 3,
        raw=lambda number: raw.mget(names[number % last : number % last + 100]),
        decoding=decoding,
        redis=lambda number: ours.get(refs[number % last : number % last + 100], MODEL),
        sqlite=lambda number: sqlite.get(refs[number % last : number % last + 100], MODEL),
    )
    return {
        "raw GET, 1 key, us": one["raw"],
        "redis get, 1 key, us": one["redis"],
        "sqlite get, 1 key, us": one["sqlite"],
        "raw MGET, 100 keys, us": hundred["raw"],
        "raw MGET and decoding, 100 keys, us": hundred["decoding"],
        "redis get, 100 keys, us": hundred["redis"],
        "sqlite get, 100 keys, us": hundred["sqlite"],
        "redis / raw, 1 key": one["redis"] / one["raw"],
        "redis / raw, 100 keys": hundred["redis"] / hundred["raw"],
        "redis / raw and decoding, 100 keys": hundred["redis"] / hundred["decoding"],
        "sqlite / redis, 1 key": one["sqlite"] / one["redis"],
        "sqlite / redis, 100 keys": hundred["sqlite"] / hundred["redis"],
    }


async def writes(stores: dict[str, Store], batches: list[list[Prediction]]) -> dict[str, float]:
    """Predictions a second, in batches of 500."""
    times: dict[str, list[float]] = {name: [] for name in stores}
    for batch in batches:
        for name, store in stores.items():
            start = time.perf_counter()
            await store.put(batch)
            times[name].append(time.perf_counter() - start)
    return {
        f"{name} put, predictions/s": len(batches[0]) / median(taken)
        for name, taken in times.items()
    }


async def clearing(ours: RedisStore, raw: Any, posts: int) -> dict[str, float]:
    """Half of the posts, by a prefix; the longest command is Redis' own word."""
    from sentiserve.types import Prefix

    ids = sorted(f"{1_500_000_000_000_000_000 + number * 7919}" for number in range(posts))
    prefix = ids[0]
    while sum(each.startswith(prefix) for each in ids) < posts * 0.4:
        prefix = prefix[:-1]
    await raw.config_set("slowlog-log-slower-than", 500)
    await raw.config_set("slowlog-max-len", 1_000_000)
    await raw.slowlog_reset()
    await raw.config_resetstat()
    start = time.perf_counter()
    removed = await ours.forget(Prefix(f"x/{prefix}"))
    seconds = time.perf_counter() - start
    log = await raw.execute_command("SLOWLOG", "GET", 1_000_000)
    longest = sorted((entry[2] for entry in log), reverse=True)
    stats = await raw.info("commandstats")
    return {
        "cleared": removed,
        "clearing, s": seconds,
        "longest command while clearing, ms": longest[0] / 1000,
        "commands above 5 ms while clearing": sum(duration > 5_000 for duration in longest),
        "mean of a SCAN while clearing, ms": stats["cmdstat_scan"]["usec_per_call"] / 1000,
        "mean of a script while clearing, ms": stats["cmdstat_eval"]["usec_per_call"] / 1000,
    }


async def measured(posts: int) -> dict[str, float]:
    """All figures."""
    with server() as directory, tempfile.TemporaryDirectory() as disk:
        url = f"unix://{directory}/socket"
        ours = redis_store(url, 60 * DAY)
        sqlite = sqlite_store(f"sqlite:///{disk}/store.db", 60 * DAY)
        raw = redis.Redis.from_url(url, protocol=3, socket_timeout=None)
        stores: dict[str, Store] = {"redis": ours, "sqlite": sqlite}
        for store in stores.values():
            await store.open()
        batches = [predictions(500, first) for first in range(0, 20_000, 500)]
        empty = int((await raw.info("memory"))["used_memory"])
        figures = await writes(stores, batches)
        figures |= await reads(ours, sqlite, raw, [p for batch in batches for p in batch])
        for first in range(20_000, posts, 5_000):
            await ours.put(predictions(min(5_000, posts - first), first))
        used = int((await raw.info("memory"))["used_memory"])
        figures["redis, bytes a prediction"] = (used - empty) / posts
        figures |= await clearing(ours, raw, posts)
        for store in stores.values():
            await store.close()
        await raw.aclose()
    return figures


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description="Measure the stores side by side.")
    options.add_argument("--json", action="store_true")
    options.add_argument("--posts", type=int, default=200_000)
    given = options.parse_args()
    figures = asyncio.run(measured(given.posts))
    if given.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<40} {value:>12,.2f}")


if __name__ == "__main__":
    main()
