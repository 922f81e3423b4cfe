"""The embedded store: one SQLite file, for one machine, several processes."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiserve.errors import SettingsError, StoreError
from sentiserve.store import sqlite_aggregates
from sentiserve.store.sqlite_connection import Connection, empty_log, transaction
from sentiserve.store.sqlite_rows import GET, micros, prediction_of, row_of
from sentiserve.store.sqlite_schema import prepare
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Hashtag,
    PostRef,
    Prediction,
    Prefix,
)

_INSERT = "INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO"
_ADD = f"{_INSERT} NOTHING"
_PUT = f"""{_INSERT} UPDATE SET
    text = excluded.text, url = excluded.url, author_id = excluded.author_id,
    author_handle = excluded.author_handle, created_at = excluded.created_at,
    label = excluded.label, scores = excluded.scores, truncated = excluded.truncated,
    predicted_at = excluded.predicted_at, expires_at = excluded.expires_at
WHERE excluded.predicted_at >= predictions.predicted_at
"""
_DELETE_HASHTAGS = "DELETE FROM hashtags WHERE platform = ? AND id = ? AND model_id = ?"
_ADD_HASHTAG = "INSERT INTO hashtags (platform, id, model_id, tag) VALUES (?, ?, ?, ?)"


class SqliteStore:
    """Predictions in a SQLite file in write-ahead mode.

    Reads, writes and aggregates have a connection and a thread each, so that none waits for
    another.
    """

    def __init__(self, path: Path, ttl: int) -> None:
        """Name the file and the seconds to live; nothing is touched before ``open``."""
        self._path = path
        self._ttl = ttl * 1_000_000  # microseconds, as all times in the file
        self._connections: tuple[Connection, ...] = ()
        self._reader: Connection | None = None
        self._aggregator: Connection | None = None
        self._writer: Connection | None = None
        self._log_holds_forgotten = True  # perhaps, of a process before

    async def open(self) -> None:
        """Create the file and its tables where they are missing.

        Raises:
            StoreError: the path can't be written, or the file isn't a store of this version.
        """
        self._connections = tuple(Connection(self._path, prepare) for _ in range(3))
        self._reader, self._aggregator, self._writer = self._connections
        try:
            for connection in self._connections:
                await connection.run(lambda _: None)
        except StoreError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the file."""
        if self._writer is not None and self._log_holds_forgotten:
            with suppress(StoreError):
                await self._writer.run(self._empty_log)
        connections, self._connections = self._connections, ()
        self._reader = self._aggregator = self._writer = None
        for connection in connections:
            await connection.close()

    async def check(self) -> None:
        """Read one row."""
        await _opened(self._reader).run(
            lambda connection: connection.execute("SELECT 1 FROM predictions LIMIT 1").fetchone()
        )

    async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
        """What is kept and not expired."""
        now = micros(datetime.now(UTC))

        def read(connection: sqlite3.Connection) -> list[Prediction | None]:
            keys = ((ref.platform, ref.id, model_id, now) for ref in refs)
            return [
                prediction_of(connection.execute(GET, key).fetchone(), model_id) for key in keys
            ]

        return await _opened(self._reader).run(read)

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions in one transaction, and drop what has expired."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "DELETE FROM predictions WHERE expires_at <= ?", (micros(datetime.now(UTC)),)
                )
                self._put(connection, predictions)
            self._empty_log(connection)

        await _opened(self._writer).run(write)

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        """Aggregates over what is kept and not expired."""
        values = {
            "model_id": query.model_id,
            "now": micros(datetime.now(UTC)),
            "name": query.name,
            "platform": query.platform,
            "since": None if query.since is None else micros(query.since),
            "limit": query.limit,
        }
        sql = sqlite_aggregates.BY[query.entity]
        rows = await _opened(self._aggregator).run(
            lambda connection: connection.execute(sql, values).fetchall()
        )
        return sqlite_aggregates.aggregates(rows)

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> list[list[Aggregate | None]]:
        """Aggregates over spans of time that end now, of what is kept and not expired."""
        since = [micros(now - span) + 1 for span in spans]
        values = {"model_id": model_id, "now": micros(now), "limit": 1}

        def window(
            connection: sqlite3.Connection, entity: Author | Hashtag, start: int
        ) -> Aggregate | None:
            sql, named = sqlite_aggregates.window(entity)
            rows = connection.execute(sql, values | named | {"since": start}).fetchall()
            return next(iter(sqlite_aggregates.aggregates(rows)), None)

        async def read(entity: Author | Hashtag) -> list[Aggregate | None]:
            return await _opened(self._aggregator).run(
                lambda connection: [window(connection, entity, start) for start in since]
            )

        # One by one, so that what a caller no longer waits for isn't read.
        return [await read(entity) for entity in entities]

    async def count(self) -> dict[str, int]:
        """What is kept and not expired."""
        sql = "SELECT model_id, count(*) FROM predictions WHERE expires_at > ? GROUP BY model_id"
        now = (micros(datetime.now(UTC)),)
        rows = await _opened(self._aggregator).run(
            lambda connection: connection.execute(sql, now).fetchall()
        )
        return {row[0]: row[1] for row in rows}

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Delete, and leave nothing of it in the files.

        While somebody reads what was, their log can't be emptied; then a later put does it.
        """
        condition, values = _matching(what)

        def delete(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                rows = connection.execute(f"DELETE FROM predictions WHERE {condition}", values)  # noqa: S608  # a constant
            self._log_holds_forgotten = True
            self._empty_log(connection)
            return rows.rowcount

        return await _opened(self._writer).run(delete)

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        if self._log_holds_forgotten:
            self._log_holds_forgotten = not empty_log(connection)

    def _put(self, connection: sqlite3.Connection, predictions: Sequence[Prediction]) -> None:
        """Write all in one go, and one by one only if some posts are there already."""
        last = {(p.post.ref, p.model_id): p for p in sorted(predictions, key=_predicted_at)}
        written, rows = list(last.values()), [row_of(p, self._ttl) for p in last.values()]
        if connection.executemany(_ADD, rows).rowcount < len(rows):
            written = [
                prediction
                for prediction, row in zip(written, rows, strict=True)
                if connection.execute(_PUT, row).rowcount
            ]
            connection.executemany(_DELETE_HASHTAGS, map(_key, written))
        connection.executemany(
            _ADD_HASHTAG,
            [
                (*_key(prediction), tag)
                for prediction in written
                for tag in prediction.post.hashtags
            ],
        )


def _predicted_at(prediction: Prediction) -> datetime:
    return prediction.predicted_at


def _key(prediction: Prediction) -> tuple[str, str, str]:
    return prediction.post.ref.platform, prediction.post.ref.id, prediction.model_id


def _opened(connection: Connection | None) -> Connection:
    if connection is None:
        raise StoreError("the store is not open")
    return connection


def _matching(what: PostRef | Author | Prefix) -> tuple[str, tuple[str, ...]]:
    match what:
        case PostRef(platform, id):
            return "platform = ? AND id = ?", (platform, id)
        case Author(platform, author):
            named = "author_id = ? OR casefold(author_handle) = casefold(?)"
            return f"platform = ? AND ? <> '' AND ({named})", (platform, author, author, author)
        case Prefix(text):
            return "starts_with(platform || '/' || id, ?)", (text,)


def path_of(url: str) -> Path:
    """The file of ``sqlite:///RELATIVE/PATH`` or ``sqlite:////ABSOLUTE/PATH``.

    Raises:
        SettingsError: the URL names none.
    """
    host, _, path = url.removeprefix("sqlite://").partition("/")
    if host or not path or "?" in path:
        raise SettingsError(
            "write sqlite:///PATH in SENTISERVE_STORE: three slashes, a file's path, no options"
        )
    return Path(path).expanduser()


def from_url(url: str, ttl: int) -> SqliteStore:
    """The store for ``sqlite:///RELATIVE/PATH`` or ``sqlite:////ABSOLUTE/PATH``.

    Raises:
        SettingsError: the URL names no file.
    """
    return SqliteStore(path_of(url), ttl)
