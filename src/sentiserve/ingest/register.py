"""When each stored post was last looked at where it comes from: a SQLite file."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from sentiserve.errors import StoreError
from sentiserve.ingest.lock import Lock
from sentiserve.records import Record
from sentiserve.types import TEXT, Post, PostRef

_SCHEMA = """
CREATE TABLE IF NOT EXISTS looked_at (platform, id, time, PRIMARY KEY (platform, id)) WITHOUT ROWID;
CREATE TEMP TABLE known (platform, id, time, post, PRIMARY KEY (platform, id)) WITHOUT ROWID;
CREATE TEMP TABLE due (number INTEGER PRIMARY KEY, platform, id, post);
"""
_KNOW = """
INSERT INTO known VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    time = excluded.time, post = excluded.post WHERE excluded.time >= known.time
"""
_DUE = """
INSERT INTO due (platform, id, post)
SELECT platform, id, post FROM known LEFT JOIN looked_at USING (platform, id)
WHERE max(known.time, coalesce(looked_at.time, 0)) <= :before
    AND (:platform IS NULL OR platform = :platform)
ORDER BY max(known.time, coalesce(looked_at.time, 0)) LIMIT :limit
"""


class Register:
    """Posts of the history, and when they were predicted or looked at last.

    What posts say is kept in a temporary file only, which is gone with the process.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is touched."""
        self._path = path
        self._lock = Lock(path.with_suffix(".lock"))
        self._connection: sqlite3.Connection

    def __enter__(self) -> Self:
        """Open it for this process alone.

        Raises:
            BadInputError: another run has it.
            StoreError: it can't be used.
        """
        self._lock.__enter__()
        try:
            self._connection = sqlite3.connect(self._path, check_same_thread=False)
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._lock.__exit__()
            raise StoreError(
                f"{self._path} cannot be used ({error}); remove it, and every post is due"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._connection.close()
        self._lock.__exit__()

    def take(self, batches: Iterable[Sequence[Record]]) -> None:
        """Learn which posts there are; what is known of others is dropped."""
        with self._connection:
            for batch in batches:
                self._connection.executemany(_KNOW, [_row(r) for r in batch if r.platform != TEXT])
            self._connection.execute(
                "DELETE FROM looked_at WHERE NOT EXISTS (SELECT 1 FROM known WHERE "
                "known.platform = looked_at.platform AND known.id = looked_at.id)"
            )

    def platforms(self) -> list[str]:
        """The platforms whose posts there are."""
        found = self._connection.execute("SELECT DISTINCT platform FROM known ORDER BY platform")
        return [platform for (platform,) in found]

    def select(self, before: datetime, platform: str | None, limit: int | None) -> dict[str, int]:
        """Find those that nobody looked at since a time, and say how many, by platform.

        Args:
            before: the time.
            platform: only this one's.
            limit: no more; those that nobody looked at for longest.
        """
        given = {"before": before.timestamp(), "platform": platform, "limit": limit or -1}
        with self._connection:
            self._connection.execute(_DUE, given)
        counted = "SELECT platform, count(*) FROM due GROUP BY platform ORDER BY platform"
        return dict(self._connection.execute(counted))

    def due(self, platform: str, count: int, after: int = 0) -> tuple[int, list[Post]]:
        """Some of those that were found, after a number; and the last one's number."""
        rows = self._connection.execute(
            "SELECT number, post FROM due WHERE platform = ? AND number > ? ORDER BY number "
            "LIMIT ?",
            (platform, after, count),
        ).fetchall()
        posts = [msgspec.msgpack.decode(post, type=Post) for _, post in rows]
        return (rows[-1][0] if rows else after), posts

    def note(self, refs: Iterable[PostRef]) -> None:
        """They were looked at now."""
        now = datetime.now(UTC).timestamp()
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO looked_at VALUES (?, ?, ?)",
                [(ref.platform, ref.id, now) for ref in refs],
            )


def _row(record: Record) -> tuple[str, str, float, bytes]:
    post = msgspec.msgpack.encode(record.prediction.post)
    return record.platform, record.id, record.event_timestamp.timestamp(), post
