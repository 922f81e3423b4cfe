"""Fill an online store from the history: a new store, or one that lost what it had."""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Protocol

from sentiserve.protocols import Store
from sentiserve.records import Record
from sentiserve.types import Author, PostRef, Prefix


class Offline(Protocol):
    """What records come from: the history."""

    def records(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[list[Record]]:
        """The winning records predicted in that time, in batches."""

    def forgotten_since(self, time: datetime) -> Sequence[PostRef | Author | Prefix]:
        """What was asked to be forgotten at that time or later."""


async def materialize(
    offline: Offline,
    store: Store,
    since: datetime | None = None,
    until: datetime | None = None,
    on_records: Callable[[int], object] = lambda _: None,
) -> int:
    """Put the winning records into the store; what it has that is newer stays.

    What is asked to be forgotten meanwhile is forgotten in the store once more in the end, and
    with it what was predicted of it since.

    Args:
        offline: the history.
        store: open.
        since: leaves out what was predicted before it.
        until: leaves out what was predicted then or later.
        on_records: is told how many are put so far.

    Returns:
        How many records were put; the store drops those whose time to live is over.

    Raises:
        StoreError: the history can't be read, or the store not written.
    """
    started, done = datetime.now(UTC), 0
    with closing(_batches(offline, since, until)) as batches:
        while batch := await _next(batches):
            await store.put([record.prediction for record in batch])
            done += len(batch)
            on_records(done)
    for what in offline.forgotten_since(started):  # it may have come between reading and putting
        await store.forget(what)
    return done


async def _next(batches: Generator[list[Record], None, None]) -> list[Record] | None:
    step = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        await step  # a generator can't be closed while it runs
        raise


def _batches(
    offline: Offline, since: datetime | None, until: datetime | None
) -> Generator[list[Record], None, None]:
    yield from offline.records(since, until)
