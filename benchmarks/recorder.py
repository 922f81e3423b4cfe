"""Measure what keeping costs: records a second into a store, and the time that an answer waits.

    python benchmarks/recorder.py [--records 20000] [--directory DIR] [--store redis://HOST]

For each durability, with the posts of the bundled sample. Throughput: as many clients as a busy
service has put predictions one after another, and the clock stops when the store has all of them:
a new SQLite file, or the store that is named, which keeps them for an hour. The time of this
process' threads for each record, all added up, says what a machine without other work could do.
Latency: one client puts a prediction every few milliseconds; the median of its waits. The first
run of all is thrown away. Name a directory on the disk that you mean to use: /tmp may be memory.
"""

import argparse
import asyncio
import statistics
import time
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import uvloop

from sentiserve.journal.journal import Journal
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.registry import make_store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

CLIENTS = 512
PAUSE = 0.002  # seconds between two predictions at low load
SCORES = {"negative": 0.0125, "neutral": 0.2345, "positive": 0.753}
SAMPLE = [
    msgspec.json.decode(line)
    for line in (files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8").splitlines()
]
NOW = datetime.now(UTC)


class Figures(NamedTuple):
    """Records a second, seconds of all threads for one, and the median wait in seconds."""

    speed: float
    work: float
    wait: float


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", help="its URL, instead of a SQLite file in the directory")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.directory) as directory:
        place = Path(directory)
        uvloop.run(compare(place, arguments.store, arguments.records, arguments.rounds))


async def compare(directory: Path, store: str | None, records: int, rounds: int) -> None:
    """In turns, so that what else the machine does hits all of them; medians of the rounds."""
    await measure(directory / "thrown away", store, "os", records // 4)
    found: dict[str, list[Figures]] = {"none": [], "os": [], "fsync": []}
    for number in range(rounds):
        for durability, figures in found.items():
            place = directory / f"{durability}-{number}"
            figures.append(await measure(place, store, durability, records))
    print("durability  records/s  at best  work/record  at best  added wait, median")
    for durability, figures in found.items():
        median = Figures(*(statistics.median(values) for values in zip(*figures, strict=True)))
        fastest, least = max(f.speed for f in figures), min(f.work for f in figures)
        print(
            f"{durability:10}  {median.speed:9,.0f}  {fastest:7,.0f}  {median.work * 1e6:8.1f} µs"
            f"  {least * 1e6:4.1f} µs  {median.wait * 1e6:9,.0f} µs"
        )


async def measure(directory: Path, url: str | None, durability: str, records: int) -> Figures:
    """What one run finds."""
    store = make_store(url or f"sqlite:///{directory}/store.db", ttl=3600)
    await store.open()
    journal = None
    if durability != "none":
        journal = Journal(directory / "journal", fsync=durability == "fsync", max_bytes=1 << 30)
    recorder = Recorder(store, Metrics(), 10_000, journal)
    await recorder.open()
    run = token_hex(4)  # a store may keep what other runs put
    waits = [await wait(recorder, f"{run}-calm-{number}") for number in range(300)]
    refs = [PostRef("bench", f"{run}-busy-{number}") for number in range(records)]
    predictions = iter([prediction(ref.id) for ref in refs])

    async def client() -> None:
        for each in predictions:
            await recorder.put(each)
            if journal is None:
                await asyncio.sleep(0)  # for it didn't wait, and the others want to

    begin, began_work = time.perf_counter(), time.process_time()
    await asyncio.gather(*[client() for _ in range(CLIENTS)])
    await recorder.close(600)
    seconds, work = time.perf_counter() - begin, time.process_time() - began_work
    kept = await store.get(refs, "model")
    assert all(kept), "some are missing"
    await store.close()
    return Figures(records / seconds, work / records, statistics.median(waits))


async def wait(recorder: Recorder, post_id: str) -> float:
    """Seconds that one put takes when nothing else happens."""
    await asyncio.sleep(PAUSE)
    begin = time.perf_counter()
    await recorder.put(prediction(post_id))
    return time.perf_counter() - begin


def prediction(post_id: str) -> Prediction:
    """One of a text as people write them: those of the bundled sample, in turn."""
    row = SAMPLE[hash(post_id) % len(SAMPLE)]
    ref = PostRef("bench", post_id)
    post = Post(ref, row["text"], row["url"], row["author_id"], row["author_handle"], NOW)
    return Prediction(post, Sentiment(SCORES), "model", datetime.now(UTC))


if __name__ == "__main__":
    main()
