"""Measure what keeping costs: records a second into SQLite, and the time that an answer waits.

    python benchmarks/recorder.py [--records 20000] [--directory DIR]

For each durability, with the posts of the bundled sample. Throughput: as many clients as a busy
service has put predictions one after another, and the clock stops when SQLite has all of them.
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
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from sentiserve.journal.journal import Journal
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.sqlite import SqliteStore
from sentiserve.types import Post, PostRef, Prediction, Sentiment

CLIENTS = 512
PAUSE = 0.002  # seconds between two predictions at low load
SCORES = {"negative": 0.0125, "neutral": 0.2345, "positive": 0.753}
SAMPLE = [
    msgspec.json.decode(line)
    for line in (files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8").splitlines()
]
NOW = datetime.now(UTC)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.directory) as directory:
        uvloop.run(compare(Path(directory), arguments.records, arguments.rounds))


async def compare(directory: Path, records: int, rounds: int) -> None:
    """In turns, so that what else the machine does hits all of them; medians of the rounds."""
    await measure(directory / "thrown away", "os", records // 4)
    found: dict[str, list[tuple[float, float]]] = {"none": [], "os": [], "fsync": []}
    for number in range(rounds):
        for durability, figures in found.items():
            place = directory / f"{durability}-{number}"
            figures.append(await measure(place, durability, records))
    print("durability  records/s  added wait, median")
    for durability, figures in found.items():
        speed, wait = (statistics.median(values) for values in zip(*figures, strict=True))
        print(f"{durability:10}  {speed:9,.0f}  {wait * 1e6:9,.0f} µs")


async def measure(directory: Path, durability: str, records: int) -> tuple[float, float]:
    """Records a second, and the median wait in seconds."""
    store = SqliteStore(directory / "store.db", ttl=3600)
    await store.open()
    journal = None
    if durability != "none":
        journal = Journal(directory / "journal", fsync=durability == "fsync", max_bytes=1 << 30)
    recorder = Recorder(store, Metrics(), 10_000, journal)
    await recorder.open()
    waits = [await wait(recorder, number) for number in range(300)]
    predictions = iter([prediction(f"busy-{number}") for number in range(records)])

    async def client() -> None:
        for each in predictions:
            await recorder.put(each)
            if journal is None:
                await asyncio.sleep(0)  # for it didn't wait, and the others want to

    begin = time.perf_counter()
    await asyncio.gather(*[client() for _ in range(CLIENTS)])
    await recorder.close(600)
    seconds = time.perf_counter() - begin
    refs = [PostRef("bench", f"busy-{number}") for number in range(records)]
    kept = await store.get(refs, "model")
    assert all(kept), "some are missing"
    await store.close()
    return records / seconds, statistics.median(waits)


async def wait(recorder: Recorder, number: int) -> float:
    """Seconds that one put takes when nothing else happens."""
    await asyncio.sleep(PAUSE)
    begin = time.perf_counter()
    await recorder.put(prediction(f"calm-{number}"))
    return time.perf_counter() - begin


def prediction(post_id: str) -> Prediction:
    """One of a text as people write them: those of the bundled sample, in turn."""
    row = SAMPLE[hash(post_id) % len(SAMPLE)]
    ref = PostRef("bench", post_id)
    post = Post(ref, row["text"], row["url"], row["author_id"], row["author_handle"], NOW)
    return Prediction(post, Sentiment(SCORES), "model", datetime.now(UTC))


if __name__ == "__main__":
    main()
