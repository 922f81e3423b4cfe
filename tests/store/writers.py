"""Processes that write to one store at the same time.

python tests/store/writers.py URL WRITER START
"""

import asyncio
import random
import sys
import time
from datetime import UTC, datetime, timedelta

from sentiserve.protocols import Store
from sentiserve.store.registry import make_store
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL, TTL
from sentiserve.types import AggregateQuery, Entity, PostRef

VERSIONS, POSTS, GROUPS, BATCH = 4, 300, 5, 50
REFS = [PostRef("x", f"{number}") for number in range(POSTS)]


async def write(url: str, writer: int, start: int) -> None:
    """Put every version of every post, in an order of one's own, and read in between."""
    store = make_store(url, TTL)
    await store.open()
    noon = datetime.fromtimestamp(start, UTC)
    batches = [
        [
            example_prediction(
                f"{number}",
                text=f"#tag{version}x{number % GROUPS}",
                author_id=f"{version}-{number % GROUPS}",
                predicted_at=noon + timedelta(minutes=version),
            )
            for number in range(first, first + BATCH)
        ]
        for version in range(VERSIONS)
        for first in range(0, POSTS, BATCH)
    ]
    random.Random(writer).shuffle(batches)
    await asyncio.gather(
        *(store.put(batch) for batch in batches), *(store.get(REFS, MODEL) for _ in batches)
    )
    await store.close()


async def check_processes(store: Store, url: str, writers: int) -> None:
    """Have as many processes write to an empty store; none fails, and the newest is what counts."""
    start = int(time.time())
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, __file__, url, f"{one}", f"{start}")
        for one in range(writers)
    ]
    assert [await process.wait() for process in processes] == [0] * writers
    await store.open()
    try:
        found = await store.get(REFS, MODEL)
        newest, each = VERSIONS - 1, POSTS // GROUPS
        assert [prediction and prediction.post.text for prediction in found] == [
            f"#tag{newest}x{number % GROUPS}" for number in range(POSTS)
        ]
        for entity, name in ((Entity.AUTHOR, "{}-{}"), (Entity.HASHTAG, "tag{}x{}")):
            counted = await store.aggregate(AggregateQuery(entity, MODEL, limit=100))
            assert {one.name: one.posts for one in counted} == {
                name.format(newest, group): each for group in range(GROUPS)
            }
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
