"""SQLite stores, and what is in their files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from sentiserve.store.sqlite import SqliteStore

DAY = 24 * 60 * 60


@asynccontextmanager
async def opened(path: Path, ttl: int = DAY) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, ttl)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def rows(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def all_counted(path: Path) -> None:
    """Wait until a store that is open has counted what was put."""
    lag = "SELECT max(rowid) > (SELECT up_to FROM counted) FROM predictions"
    async with asyncio.timeout(60):
        while rows(path, lag) == [(1,)]:
            await asyncio.sleep(0.01)
