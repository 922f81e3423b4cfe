"""The embedded store: one SQLite file, for one machine, several processes."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiserve.errors import SettingsError, StoreError
from sentiserve.store import sqlite_aggregates, sqlite_timelines, sqlite_writes
from sentiserve.store.sqlite_connection import Connection, empty_log, transaction
from sentiserve.store.sqlite_lookups import look_up
from sentiserve.store.sqlite_rows import micros
from sentiserve.store.sqlite_schema import prepare
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Feedback,
    Hashtag,
    Judgement,
    PostRef,
    Prediction,
    Prefix,
    Stretch,
    TimelineQuery,
)

_PAUSE = 0.2  # seconds before what was put is counted
_FEW, _MANY = 2_000, 20_000  # rows that are counted in one go, if nobody waits for it, and if so
_MOST = 10_000  # rows that a query may have to count: a put doesn't leave more, but counts itself
_BUSY = 1.0  # seconds after a put in which more is expected
_RESTS = 19  # times as long as counting takes: it may have a twentieth of a core


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
        self._following: asyncio.Task[None] | None = None
        self._put_at = 0.0  # by the monotonic clock
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
        self._count_on()  # a process before may have left some

    async def close(self) -> None:
        """Close the file; what isn't counted yet is counted by who opens it next."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
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
        now = _now()
        return await _opened(self._reader).run(lambda c: look_up(c, refs, model_id, now))

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions in one transaction, and drop what has expired."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                sqlite_writes.drop_expired(connection, _now())
                sqlite_writes.put(connection, predictions, self._ttl)
                if sqlite_writes.lags(connection, _MOST):
                    sqlite_writes.follow(connection, _MANY)
            self._empty_log(connection)

        await _opened(self._writer).run(write)
        self._put_at = time.monotonic()
        self._count_on()

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        """Aggregates over what is kept and not expired."""
        now = await self._up_to_date()
        return await _opened(self._aggregator).run(
            lambda connection: sqlite_aggregates.find(connection, query, now)
        )

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

    async def timeline(self, query: TimelineQuery) -> list[Stretch]:
        """Hours or days of what is kept and not expired."""
        await self._up_to_date()
        return await _opened(self._aggregator).run(
            lambda connection: sqlite_timelines.timeline(connection, query)
        )

    async def recent(self, model_id: str, limit: int) -> list[Prediction]:
        """What was predicted last, and is not expired."""
        return await _opened(self._aggregator).run(
            lambda connection: sqlite_timelines.recent(connection, model_id, limit, _now())
        )

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep true labels in one transaction."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                sqlite_writes.judge(connection, feedback, self._ttl, _now())

        await _opened(self._writer).run(write)

    async def judgements(self, model_id: str, limit: int) -> list[Judgement]:
        """True labels, newest first, beside what is kept and not expired."""
        return await _opened(self._aggregator).run(
            lambda connection: sqlite_timelines.judgements(connection, model_id, limit, _now())
        )

    async def count(self) -> dict[str, int]:
        """What is kept and not expired."""
        sql = "SELECT model_id, count(*) FROM predictions WHERE expires_at > ? GROUP BY model_id"
        now = (_now(),)
        rows = await _opened(self._aggregator).run(
            lambda connection: connection.execute(sql, now).fetchall()
        )
        return {row[0]: row[1] for row in rows}

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Delete, and leave nothing of it in the files.

        While somebody reads what was, their log can't be emptied; then a later put does it.
        """

        def delete(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                forgotten = sqlite_writes.forget(connection, what)
            self._log_holds_forgotten = True
            self._empty_log(connection)
            return forgotten

        return await _opened(self._writer).run(delete)

    def _count_on(self) -> None:
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Count what was put, and rest in between while more is put: that goes first."""
        with suppress(StoreError):
            while True:
                await asyncio.sleep(_PAUSE)
                begin = time.monotonic()
                if await self._count_some(_FEW):
                    return
                now = time.monotonic()
                if now - self._put_at < _BUSY:
                    await asyncio.sleep(_RESTS * (now - begin))

    async def _count_some(self, most: int) -> bool:
        def write(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                return sqlite_writes.follow(connection, most)

        return await _opened(self._writer).run(write)

    async def _up_to_date(self) -> int:
        """See to it that all is counted, but nothing that has expired by now; when that is."""
        now = _now()

        def lacking(connection: sqlite3.Connection) -> bool:
            return connection.execute(sqlite_writes.UNCOUNTED).fetchone() is not None

        def expired(connection: sqlite3.Connection) -> bool:
            return connection.execute(sqlite_writes.EXPIRED, (now,)).fetchone() is not None

        def drop(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                sqlite_writes.drop_expired(connection, now)

        while await _opened(self._aggregator).run(expired):
            await _opened(self._writer).run(drop)
        if await _opened(self._aggregator).run(lacking):
            while not await self._count_some(_MANY):
                pass
        return now

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        if self._log_holds_forgotten:
            self._log_holds_forgotten = not empty_log(connection)


def _now() -> int:
    return micros(datetime.now(UTC))


def _opened(connection: Connection | None) -> Connection:
    if connection is None:
        raise StoreError("the store is not open")
    return connection


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
