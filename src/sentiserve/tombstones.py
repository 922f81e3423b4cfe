"""What was asked to be forgotten, and when."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Self

import msgspec

from sentiserve.records import Record
from sentiserve.types import Author, PostRef, Prefix

Forgettable = PostRef | Author | Prefix
_NEVER = datetime.min.replace(tzinfo=UTC)


class Tombstone(msgspec.Struct, frozen=True):
    """What is forgotten of all that was taken until then."""

    what: tuple[str, ...]
    at: datetime
    done: bool = False

    @classmethod
    def of(cls, what: Forgettable, at: datetime) -> Self:
        """A tombstone for this."""
        match what:
            case PostRef(platform, post_id):
                return cls(("post", platform, post_id), at)
            case Author(platform, author):
                return cls(("author", platform, author), at)
            case Prefix(text):
                return cls(("prefix", text), at)

    @property
    def target(self) -> Forgettable:
        """What it was made of."""
        match self.what:
            case ("post", platform, post_id):
                return PostRef(platform, post_id)
            case ("author", platform, author):
                return Author(platform, author)
            case ("prefix", text):
                return Prefix(text)
        raise ValueError(f"nothing that can be forgotten: {self.what!r}")


def forgets(tombstones: Iterable[Tombstone]) -> Callable[[Record], bool]:
    """Whether a record is forgotten; the later of two tombstones alike comes later."""
    posts: dict[tuple[str, str], datetime] = {}
    authors: dict[tuple[str, str], datetime] = {}
    handles: dict[tuple[str, str], datetime] = {}
    prefixes: list[tuple[str, datetime]] = []
    newest = _NEVER
    for tombstone in tombstones:
        newest = max(newest, tombstone.at)
        match tombstone.target:
            case PostRef(platform, post_id):
                posts[platform, post_id] = tombstone.at
            case Author(platform, author):
                authors[platform, author] = tombstone.at
                handle = (platform, author.casefold())
                handles[handle] = max(tombstone.at, handles.get(handle, tombstone.at))
            case Prefix(text):
                prefixes.append((text, tombstone.at))

    def forgotten(record: Record) -> bool:
        taken = record.created_timestamp
        if taken > newest:  # most are, and this is quicker
            return False
        platform, author_id, handle = record.platform, record.author_id, record.author_handle
        times = (
            posts.get((platform, record.id)),
            None if author_id is None else authors.get((platform, author_id)),
            None if handle is None else handles.get((platform, handle.casefold())),
        )
        if any(time is not None and taken <= time for time in times):
            return True
        path = f"{record.platform}/{record.id}" if prefixes else ""
        return any(path.startswith(text) and taken <= at for text, at in prefixes)

    return forgotten
