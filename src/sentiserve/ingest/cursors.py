"""Where a reading was left: a small file for each work, kept by one process at a time."""

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from sentiserve.errors import BadInputError
from sentiserve.ingest.lock import Lock


class Work(msgspec.Struct, frozen=True):
    """What is read into which store, as it was asked for.

    Attributes:
        source: the source's name.
        kind: what is read of it.
        names: whose, or which.
        store: the store's URL; it may hold a password, so only a digest of it is written.
        limit: the most posts of a run.
        since: as it was written: two days ago is another time every day.
    """

    source: str
    kind: str
    names: tuple[str, ...]
    store: str
    limit: int | None = None
    since: str | None = None

    @property
    def file_name(self) -> str:
        """A name of its own."""
        return f"{self.source}-{self.kind}-{sha256(msgspec.json.encode(self)).hexdigest()[:16]}"


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a work is.

    Attributes:
        cursor: what goes on after the last page that is done; None where nothing is under way.
        posts: that were read since it began.
        since: older ones are left out.
        started: when it began.
        newest: when the newest of its posts was written.
        read_until: finished runs have read what was written before it.
    """

    cursor: str | None = None
    posts: int = 0
    since: datetime | None = None
    started: datetime | None = None
    newest: datetime | None = None
    read_until: datetime | None = None

    def begun(self, since: datetime | None, now: datetime) -> "Position":
        """Where to go on, or begin: with what is newer than what earlier runs have read."""
        if self.cursor is not None:
            return self
        return Position(
            since=_latest(since, self.read_until), started=now, read_until=self.read_until
        )

    def after(self, cursor: str | None, posts: int, times: list[datetime]) -> "Position":
        """With a further page done."""
        return msgspec.structs.replace(
            self, cursor=cursor, posts=self.posts + posts, newest=_latest(self.newest, *times)
        )

    def finished(self) -> "Position":
        """What the next run should know; a post that is dated ahead hides none of those to come."""
        ahead = self.newest and self.started and min(self.newest, self.started)
        return Position(read_until=_latest(self.read_until, ahead))


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


class CursorFile:
    """The position of a work, in a file that is this process's during the block."""

    def __init__(self, directory: Path, work: Work) -> None:
        """Name the directory; nothing is touched."""
        self._path = directory / f"{work.file_name}.json"
        self._lock = Lock(directory / f"{work.file_name}.lock")

    def __enter__(self) -> Self:
        """Keep others away.

        Raises:
            BadInputError: another run is at this work, or the directory can't be written.
        """
        self._lock.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Let others in."""
        self._lock.__exit__()

    def load(self) -> Position:
        """Where it was left; the start, where nothing is known of it.

        Raises:
            BadInputError: the file can't be read.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Position)
        except FileNotFoundError:
            return Position()
        except (OSError, msgspec.DecodeError) as error:
            raise BadInputError(
                f"{self._path} cannot be read ({error}); --restart does without it"
            ) from error

    def save(self, position: Position) -> None:
        """Keep a position, whole or not at all; one that says nothing leaves no file.

        Raises:
            BadInputError: it can't be written.
        """
        try:
            if position == Position():
                self._path.unlink(missing_ok=True)
            else:
                self._write(position)
        except OSError as error:
            raise BadInputError(f"{self._path} cannot be written: {error.strerror}") from error

    def _write(self, position: Position) -> None:
        draft = self._path.with_suffix(".tmp")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(position))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
