"""Measure a dashboard's queries while another process puts many posts into the same SQLite file.

    python -m benchmarks.bulk [--posts 1000000] [--put 200000]

The file is a copy of what ``benchmarks/insights.py --posts N`` has made and kept. The posts that
are put are new ones of the same authors, with the same hashtags, spread over the last 30 days; 500
at a time. Meanwhile each query is asked in turn, over and over, by a store of its own.
"""

import argparse
import asyncio
import multiprocessing
import shutil
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from benchmarks import insights
from sentiserve.store.registry import make_store
from sentiserve.types import PostRef, Prediction

TOGETHER = 500


def new_ones(posts: int) -> list[Prediction]:
    """Posts that no store has yet."""
    return [
        replace(one, post=replace(one.post, ref=PostRef("x", f"new {one.post.ref.id}")))
        for batch in insights.predictions(posts, datetime.now(UTC))
        for one in batch
    ]


async def put(url: str, posts: int, told: Connection) -> None:
    """Tell when it begins, and at the end the seconds of each put."""
    predictions, taken = new_ones(posts), []
    store = make_store(url, insights.TTL)
    await store.open()
    told.send("begins")
    for start in range(0, posts, TOGETHER):
        begin = time.perf_counter()
        await store.put(predictions[start : start + TOGETHER])
        taken.append(time.perf_counter() - begin)
    await store.close()
    told.send(taken)


def putting(url: str, posts: int, told: Connection) -> None:
    """What the other process does."""
    asyncio.run(put(url, posts, told))


async def ask(url: str, telling: Connection) -> dict[str, list[float]]:
    """Seconds of each query, until the other process has put all."""
    store = make_store(url, insights.TTL)
    await store.open()
    taken: dict[str, list[float]] = {}
    while not telling.poll():
        for name, query in insights.queries(store).items():
            begin = time.perf_counter()
            await query()
            taken.setdefault(name, []).append(time.perf_counter() - begin)
    await store.close()
    return taken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--put", type=int, default=200_000)
    given = parser.parse_args()
    telling, told = multiprocessing.Pipe(duplex=False)
    spawn = multiprocessing.get_context("spawn")
    with TemporaryDirectory(dir="var") as directory:
        path = Path(directory) / "store.db"
        shutil.copy(f"var/insights-{given.posts}.db", path)
        url = f"sqlite:///{path}"
        process = spawn.Process(target=putting, args=(url, given.put, told), daemon=True)
        process.start()
        telling.recv()
        asked = asyncio.run(ask(url, telling))
        puts = telling.recv()
        process.join()
    print(
        f"put a second {len(puts) * TOGETHER / sum(puts):,.0f}, slowest {1_000 * max(puts):,.0f} ms"
    )
    for name, taken in asked.items():
        print(
            f"{name:<24} {len(taken):>5} times, median {1_000 * median(taken):>7,.1f} ms, "
            f"slowest {1_000 * max(taken):>7,.1f} ms"
        )


if __name__ == "__main__":
    main()
