"""A history as simple as it can be: a copy of each segment, without what was forgotten."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sentiserve.journal.segment import Segment, encode
from sentiserve.records import Record
from sentiserve.types import PostRef


class FolderArchive:
    """Files of records; one that is kept again replaces itself.

    Attributes:
        error: raised by the next segments to be kept, if there is one.
        unknown: raised by the next questions for what is forgotten, if there is one.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._tombstones: dict[PostRef, datetime] = {}
        self.error: Exception | None = None
        self.unknown: Exception | None = None

    async def keep(self, segment: Path) -> None:
        if self.error:
            raise self.error
        await asyncio.to_thread(self._copy, segment)

    def forget(self, ref: PostRef) -> None:
        self._tombstones[ref] = datetime.now(UTC)

    def forgotten(self) -> Callable[[Record], bool]:
        if self.unknown:
            raise self.unknown
        tombstones = dict(self._tombstones)
        never = datetime.min.replace(tzinfo=UTC)
        return lambda record: (
            record.created_timestamp <= tombstones.get(PostRef(record.platform, record.id), never)
        )

    def ids(self) -> list[str]:
        files = sorted(self._directory.glob("*.ndjson"))
        batches = (batch for file in files for batch in Segment(file).read(500))
        return [record.id for batch in batches for record in batch]

    def _copy(self, segment: Path) -> None:
        gone = self.forgotten()
        records = [record for batch in Segment(segment).read(500) for record in batch]
        whole = self._directory / f".{segment.name}"
        whole.write_bytes(b"".join(encode(record) for record in records if not gone(record)))
        whole.replace(self._directory / segment.name)
