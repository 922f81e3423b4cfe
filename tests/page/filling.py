"""Stores that were filled before the page is opened."""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.settings import load_settings
from sentiserve.store.registry import make_store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

INFO = open_bundle(default_bundle()).manifest.info
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = Post(
    PostRef("x", "666"),
    f"{SCRIPT} #evil_tag \"'& \u202eesrever " + "w" * 300,
    "javascript:alert(3)",
    "<b>7</b>",
    f'"><svg onload=alert(4)>{SCRIPT}',
    datetime(2026, 9, 1, tzinfo=UTC),
)
TAGS = ("bitcoin", "coffee", "python", "football", "commute", "garten", "café", "雨")


def predicted(post: Post, scores: tuple[float, ...], at: datetime) -> Prediction:
    """What the bundled model would have said."""
    return Prediction(post, Sentiment(dict(zip(INFO.labels, scores, strict=True))), INFO.id, at)


def many(count: int) -> Iterator[Prediction]:
    """Posts of two months by 500 authors, some much more active than others."""
    draw = Random(4)
    now = datetime.now(UTC)
    for number in range(count):
        author = int(draw.paretovariate(0.6)) % 500
        post = Post(
            PostRef("x", str(10**18 + number)),
            f"Invented post number {number} of many. #{draw.choice(TAGS)}",
            f"https://x.com/author_{author}/status/{10**18 + number}",
            str(author),
            f"author_{author}",
            now - timedelta(minutes=draw.randrange(60 * 24 * 60)),
        )
        scores = [draw.random() ** 2 + 0.01 for _ in INFO.labels]
        shares = tuple(score / sum(scores) for score in scores)
        yield predicted(post, shares, now - timedelta(seconds=count - number))


def fill(directory: Path, predictions: Iterable[Prediction]) -> str:
    """A new SQLite store in the directory with these predictions; its address."""
    address = f"sqlite:///{directory}/filled.db"

    async def put() -> None:
        store = make_store(address, load_settings().ttl)
        await store.open()
        waiting = iter(predictions)
        while batch := list(islice(waiting, 10_000)):
            await store.put(batch)
        await store.close()

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs on this one
        thread.submit(asyncio.run, put()).result()
    return address
