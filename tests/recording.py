"""A process that records without end, and says on standard output what is acknowledged.

python tests/recording.py DIRECTORY DURABILITY FIRST
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from archive import FolderArchive

from sentiserve.errors import StoreError
from sentiserve.journal.journal import Journal
from sentiserve.logs import configure_logs
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing import example_prediction
from sentiserve.types import Prediction

CLIENTS = 8
MAX_RECORDS = 100  # in memory, so that some wait in the journal alone


class AwayStore(SqliteStore):
    """Takes nothing."""

    async def put(self, predictions: Sequence[Prediction]) -> None:
        raise StoreError("the store is away")


def parts(
    directory: Path, durability: str, kind: type[SqliteStore] = SqliteStore
) -> tuple[SqliteStore, FolderArchive, Recorder]:
    """What the process and whoever looks at its remains consist of; not yet opened."""
    store = kind(directory / "store.db", ttl=3600)
    archive = FolderArchive(directory / "kept")
    if durability == "none":
        return store, archive, Recorder(store, Metrics(), 10_000)
    journal = Journal(directory / "journal", fsync=durability == "fsync", max_bytes=1 << 30)
    return store, archive, Recorder(store, Metrics(), MAX_RECORDS, journal, archive)


async def record(directory: Path, durability: str, first: int, *, away: bool) -> None:
    configure_logs("error")  # to standard error
    store, _, recorder = parts(directory, durability, AwayStore if away else SqliteStore)
    await store.open()
    await recorder.open()
    numbers = count(first)

    async def client() -> None:
        for number in numbers:
            with recorder.room():
                await recorder.put(example_prediction(str(number), author_id="7"))
            os.write(1, f"{number}\n".encode())
            await asyncio.sleep(0)

    await asyncio.gather(*[client() for _ in range(CLIENTS)])


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), away=len(sys.argv) > 4))
