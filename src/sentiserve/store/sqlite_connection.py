"""One SQLite connection with the one thread that uses it."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sentiserve.errors import StoreError

T = TypeVar("T")


class Connection:
    """A SQLite connection with the one thread that uses it."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened by the first work."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work on the thread.

        Raises:
            StoreError: SQLite or the file system refused.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: work(self._connected()))
        except sqlite3.Error as error:
            raise StoreError(f"the store {self._path} cannot be used: {error}") from error
        except OSError as error:
            raise StoreError(
                f"the store {self._path} cannot be written: {error.strerror}"
            ) from error

    async def close(self) -> None:
        """Close the connection and end the thread."""
        if self._connection is not None:
            await self.run(lambda connection: connection.close())
        self._thread.shutdown()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=5, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.create_function("casefold", 1, _casefold, deterministic=True)
            self._connection = connection
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
        return self._connection


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


def _casefold(text: str | None) -> str | None:
    return None if text is None else text.casefold()  # SQLite's own lower() knows only ASCII
