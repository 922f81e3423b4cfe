"""Posts in a local file, a table or an archive of X, found by URL."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import structlog

from sentiserve.errors import BadInputError, NotFoundError, SentiserveError, SourceError
from sentiserve.settings import Settings
from sentiserve.sources.snowflake import is_plausible, snowflake_time
from sentiserve.sources.urls import X, parse_url
from sentiserve.tables import Row, read_rows, sample_archive
from sentiserve.texts import checked_text
from sentiserve.types import TEXT, Post, PostRef

_log = structlog.get_logger(__name__)
_CREATE = "CREATE TABLE posts (platform, id, post, PRIMARY KEY (platform, id)) WITHOUT ROWID"
_BATCH = 10_000  # rows indexed in one statement
_PLATFORMS = {"twitter": X}  # other names that files use
_PLATFORM = re.compile(r"[a-z0-9._-]{1,64}")
_MENTIONED = 10  # rows left out that are logged one by one


class Archive:
    """Posts in a file, indexed when opened.

    The file has a ``text`` for each post and either its ``url`` or its ``id`` (of the
    platform in ``platform``, else X); ``author_id``, ``author_handle`` and ``created_at``
    (ISO 8601, UTC if it doesn't say) are used where present; an id of X tells its
    time. The index is a private temporary SQLite file, so the memory that a large archive needs
    stays small.
    """

    def __init__(self, path: Path, x_mirrors: Sequence[str] = ()) -> None:
        """Name the file; nothing is read before ``open``."""
        self._path = path
        self._x_mirrors = frozenset(x_mirrors)
        self._thread: ThreadPoolExecutor | None = None
        self._index: sqlite3.Connection | None = None

    def parse(self, url: str) -> PostRef | None:
        """Which post a URL means: every known form, since a file may hold any platform's."""
        return parse_url(url, self._x_mirrors)

    async def open(self) -> None:
        """Read the file once and index it; a broken row is logged and left out.

        Raises:
            BadInputError: the file can't be read, or holds no usable row.
        """
        self._thread = ThreadPoolExecutor(1, "archive")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._build)

    async def close(self) -> None:
        """Drop the index."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._drop)
            thread.shutdown()

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts; NotFoundError in the place of each that the file doesn't hold."""
        if self._thread is None:
            raise SourceError("the archive is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._find, refs)

    def _build(self) -> None:
        self._index = sqlite3.connect("")
        self._index.execute(_CREATE)
        entries = self._entries()
        while chunk := list(islice(entries, _BATCH)):
            self._index.executemany("INSERT OR REPLACE INTO posts VALUES (?, ?, ?)", chunk)
        self._index.commit()
        (count,) = self._index.execute("SELECT count(*) FROM posts").fetchone()
        if not count:
            raise BadInputError(f"{self._path} holds no post with a text and a url or id")
        _log.info("archive opened", path=str(self._path), posts=count)

    def _entries(self) -> Iterator[tuple[str, str, bytes]]:
        left_out = 0
        for number, row in enumerate(read_rows(self._path), start=1):
            try:
                post = read_post(row, self._x_mirrors)
            except BadInputError as error:
                left_out += 1
                if left_out <= _MENTIONED:
                    _log.warning("archive row left out", row=number, reason=str(error))
            else:
                yield post.ref.platform, post.ref.id, msgspec.msgpack.encode(post)
        if left_out > _MENTIONED:
            _log.warning("archive rows left out", rows=left_out)

    def _find(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        if self._index is None:
            raise SourceError("the archive is not open")
        found: list[Post | SentiserveError] = []
        for ref in refs:
            row = self._index.execute(
                "SELECT post FROM posts WHERE platform = ? AND id = ?", (ref.platform, ref.id)
            ).fetchone()
            if row:
                found.append(msgspec.msgpack.decode(row[0], type=Post))
            else:
                found.append(NotFoundError(f"the archive has no post {ref.id} of {ref.platform}"))
        return found

    def _drop(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None


def read_post(row: Row, x_mirrors: frozenset[str] = frozenset()) -> Post:
    """The post that a row of an archive describes; one of the platform ``text`` is its text.

    Raises:
        BadInputError: the row is broken, or has no text, or neither a known url nor an id.
    """
    if row.problem:
        raise BadInputError(row.problem)
    values = row.values
    text = checked_text(values.get("text"))
    url, post_id = _string(values, "url"), _string(values, "id")
    if not url and _string(values, "platform") == TEXT:
        return Post.of_text(text)
    if url:
        ref = parse_url(url, x_mirrors)
    else:
        ref = _ref(_string(values, "platform") or X, post_id) if post_id else None
    if ref is None:
        raise BadInputError("its url is of no known form" if url else "it has neither url nor id")
    return Post(
        ref=ref,
        text=text,
        url=url,
        author_id=_string(values, "author_id"),
        author_handle=_string(values, "author_handle"),
        created_at=_time(values.get("created_at")) or _time_told_by(ref),
    )


def _ref(platform: str, post_id: str) -> PostRef:
    platform = _PLATFORMS.get(platform.lower(), platform.lower())
    if not _PLATFORM.fullmatch(platform):
        raise BadInputError("its platform is no name: letters, digits, . _ - and at most 64")
    if platform == X and parse_url(post_id) != PostRef(X, post_id):
        raise BadInputError("its id is no X id; spreadsheets round them, keep the column as text")
    return PostRef(platform, post_id)


def _string(values: dict[str, Any], column: str) -> str | None:
    value = values.get(column)
    return None if value is None or value == "" else str(value)


def _time(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError("created_at is no ISO 8601 time") from None


def _time_told_by(ref: PostRef) -> datetime | None:
    return snowflake_time(ref.id) if ref.platform == X and is_plausible(ref.id) else None


def from_settings(settings: Settings) -> Archive:
    """The archive that the settings name, else the bundled sample."""
    return Archive(settings.archive or sample_archive(), settings.x_mirrors)
