"""One SQLite connection with the one thread that uses it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sentiserve.errors import StoreError
from sentiserve.store.sqlite_totals import tallied
from sentiserve.store.thread import Thread

T = TypeVar("T")
_PATIENCE = 5.0  # seconds to wait for another process that has the file locked
_CACHE = 16_000  # KiB at most: counts are all over the file
_READERS_PATIENCE = 0.05  # seconds to wait for readers that need the log: it can be emptied later


class Connection:
    """A SQLite connection with the one thread that uses it."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], object]) -> None:
        """Name the file, and what makes a store of a fresh one; the first work opens it."""
        self._path = path
        self._prepare = prepare
        self._thread = Thread("sqlite")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work on the thread.

        Raises:
            StoreError: SQLite or the file system refused.
        """
        try:
            return await self._thread.run(lambda: work(self._connected()))
        except sqlite3.OperationalError as error:  # locked, full, no such directory
            raise self._error(f"{error}; name another with SENTISERVE_STORE") from error
        except sqlite3.Error as error:
            advice = "move the file away, or name another with SENTISERVE_STORE"
            raise self._error(f"{error}; {advice}") from error
        except OSError as error:
            raise self._error(f"{error.strerror}; name another with SENTISERVE_STORE") from error

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await self._thread.run(self._disconnect)
        await self._thread.close()

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one if the file was removed or replaced meanwhile."""
        if self._connection is None or self._identity() != self._file:
            self._disconnect()
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # it holds what people wrote
            connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            self._connection = connection
            connection.row_factory = sqlite3.Row
            connection.create_function("casefold", 1, _casefold, deterministic=True)
            connection.create_function("tallied", 2, tallied, deterministic=True)
            connection.create_function("starts_with", 2, str.startswith, deterministic=True)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
            try:
                self._prepare(connection)
                _wait(connection, _PATIENCE)
            except BaseException:
                self._disconnect()
                raise
            self._file = self._identity()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _identity(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    def _error(self, why: str) -> StoreError:
        return StoreError(f"the store {self._path} cannot be used: {why}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Read all of the block as of one moment, whatever others write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch a file to write-ahead mode, in which reads and a write go side by side.

    SQLite itself doesn't wait for others here, as it does everywhere else.
    """
    deadline = time.monotonic() + _PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def empty_log(connection: sqlite3.Connection) -> bool:
    """Leave nothing in the write-ahead log; False if somebody still reads from it."""
    _wait(connection, _READERS_PATIENCE)
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        _wait(connection, _PATIENCE)
    return not busy


def _wait(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(1_000 * seconds)}")


def _casefold(text: str | None) -> str | None:
    return None if text is None else text.casefold()  # SQLite's own lower() knows only ASCII
