"""The parts that an ingest needs, with fakes around them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentiserve.batcher import Batcher, Limits
from sentiserve.errors import SentiserveError
from sentiserve.forgetting import Forgetting, Forgotten
from sentiserve.inference import Inference
from sentiserve.ingest.cursors import CursorFile, Work
from sentiserve.ingest.ingest import Ingest, Tally
from sentiserve.ingest.works import FeedReading, Reading
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.memory import MemoryStore
from sentiserve.testing.fakes import FakeFeed, FakeModel
from sentiserve.types import Author, FeedKind, Post, PostRef, Prediction, Prefix

NOW = datetime.now(UTC).replace(microsecond=0)
WORK = Work("fake", "user", ("ines",), "memory://")


def some_posts(count: int, newest: datetime = NOW) -> list[Post]:
    """Posts, a minute apart, the newest first."""
    return [
        Post(PostRef("fake", f"{newest:%j%H%M%S}-{i}"), f"post {i} of {newest}", created_at=at)
        for i, at in ((i, newest - timedelta(minutes=i)) for i in range(count))
    ]


class CountingForgetting(Forgetting):
    """Notes what it is asked to forget."""

    asked: list[PostRef | Author | Prefix] = []

    async def forget(self, what: PostRef | Author | Prefix) -> Forgotten:
        self.asked = [*self.asked, what]
        return await super().forget(what)


@dataclass
class Told:
    """Keeps what a listener is told."""

    waits: list[tuple[float, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    tallies: int = 0

    def on_tally(self, tally: Tally) -> None:
        self.tallies += 1

    def on_wait(self, seconds: float, error: SentiserveError | None) -> None:
        if error:
            self.waits.append((seconds, str(error)))

    def on_left_out(self, what: str, error: SentiserveError) -> None:
        self.left_out.append(f"{what}: {error}")


@dataclass
class House:
    """The parts of a running ingest."""

    feed: FakeFeed
    model: FakeModel
    store: MemoryStore
    inference: Inference
    forgetting: CountingForgetting
    told: Told
    directory: Path

    def ingest(
        self,
        cursors: CursorFile | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        kind: FeedKind = FeedKind.USER,
        reading: Reading | None = None,
    ) -> Ingest:
        reading = reading or FeedReading(self.feed, kind, ("ines",))
        return Ingest(reading, self.inference, self.forgetting, self.told, cursors, since, limit)

    async def run(
        self,
        since: datetime | None = None,
        limit: int | None = None,
        work: Work = WORK,
        reading: Reading | None = None,
    ) -> Tally:
        """Read to the end, as a command would."""
        with CursorFile(self.directory, work) as cursors:
            ingest = self.ingest(cursors, since, limit, reading=reading)
            assert await ingest.run()
            return ingest.tally

    async def stored(self, posts: Sequence[Post]) -> list[Prediction | None]:
        return await self.store.get([post.ref for post in posts], self.model.info.id)

    @property
    def predicted(self) -> list[str]:
        return [text for batch in self.model.batches for text in batch]

    async def until(self, pages: int) -> None:
        """Wait until so many pages were read, and a little longer."""
        async with asyncio.timeout(60):
            while len(self.feed.read) < pages:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def house(
    directory: Path, posts: Sequence[Post], *, page_size: int = 10, max_queue: int = 100
) -> AsyncIterator[House]:
    metrics, model, feed = Metrics(), FakeModel(), FakeFeed(posts, page_size)
    store = MemoryStore(ttl=3600)
    recorder = Recorder(store, metrics, 10_000)
    await recorder.open()
    batcher = Batcher(model, metrics, Limits(texts=max_queue))
    await batcher.open()
    model.batches.clear()
    inference = Inference(feed, store, batcher, recorder, model.info, metrics, store_timeout=60)
    forgetting = CountingForgetting(None, recorder, store)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("sentiserve.recorder._GATHER", 0)  # no test waits for more to come
            yield House(feed, model, store, inference, forgetting, Told(), directory / "cursors")
    finally:
        model.free.set()
        await batcher.close()
        await recorder.close(60)
