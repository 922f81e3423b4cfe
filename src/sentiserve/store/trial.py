"""Whether a store takes what a service would give it."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sentiserve.errors import StoreError
from sentiserve.protocols import Store
from sentiserve.store.registry import make_store, missing_file
from sentiserve.store.sqlite import SqliteStore
from sentiserve.types import Author, Post, PostRef, Prediction, Sentiment

_EXPIRED = datetime(1, 1, 1, tzinfo=UTC)  # with any time to live, so that nobody ever sees it
_POSTS = 100  # so that every node of a cluster gets some, and a disk must have room for more
_NAME = "sentiserve-check"


async def try_store(url: str, ttl: int) -> bool:
    """Read and write a store as a service does, and leave nothing behind.

    Returns:
        Whether it is there already; if not, what was tried is the place where it would be.

    Raises:
        SentiserveError: it can't be used; the text says what to do.
    """
    file = missing_file(url)
    if file is None:
        await _try(make_store(url, ttl))
        return True
    there = next(parent for parent in file.absolute().parents if parent.exists())
    try:
        with TemporaryDirectory(prefix=f".{_NAME}-", dir=there) as scratch:
            await _try(SqliteStore(Path(scratch, file.name), ttl))
    except OSError as error:
        raise StoreError(
            f"the store {file} cannot be created: {error.strerror}; "
            "name another with SENTISERVE_STORE"
        ) from error
    return False


async def _try(store: Store) -> None:
    author = Author(_NAME, uuid4().hex)
    try:
        await store.open()
        await store.check()
        try:
            await store.put([_prediction(author, number) for number in range(_POSTS)])
        finally:
            await store.forget(author)
    finally:
        await store.close()


def _prediction(author: Author, number: int) -> Prediction:
    ref = PostRef(author.platform, f"{author.author}-{number}")
    post = Post(ref, "Does it take this?", author_id=author.author)
    return Prediction(post, Sentiment({"neutral": 1.0}), _NAME, _EXPIRED)
