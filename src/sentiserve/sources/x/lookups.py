"""Posts by id: who asks while all connections are busy shares the next request with the others."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import structlog

from sentiserve.errors import SentiserveError, SourceError
from sentiserve.sources.x.api import Api
from sentiserve.sources.x.posts import (
    Dialect,
    Read,
    Version,
    ids_of,
    read_posts,
    with_text_of,
)
from sentiserve.types import Post

_log = structlog.get_logger(__name__)
MAX_IDS = 100  # of one request, by X's rules
_CONNECTIONS = 4
_Waiting = list[asyncio.Future[Post | SentiserveError]]


class Lookups:
    """Looks posts up, up to a hundred with a request; each that is under way once."""

    def __init__(self, api: Api, dialect: Dialect) -> None:
        """Take the API and the names that it is asked by."""
        self._api = api
        self._dialect = dialect
        self._waiting: dict[str, _Waiting] = {}
        self._asked: dict[str, _Waiting] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def find(self, ids: Iterable[str]) -> Mapping[str, Post | SentiserveError]:
        """Each post, or why it can't be had."""
        futures = {post_id: self._ask(post_id) for post_id in ids}
        if self._waiting and len(self._workers) < _CONNECTIONS:
            # It starts when everybody who asks at this moment has done so.
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        # If this is cancelled, so are they: what nobody waits for any more isn't asked.
        answers = await asyncio.gather(*futures.values())
        return dict(zip(futures, answers, strict=True))

    async def close(self) -> None:
        """Stop; who still waits gets an error."""
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for waiting in (self._waiting, self._asked):
            for post_id in list(waiting):
                _settle(waiting.pop(post_id), SourceError("X is not asked any more"))

    def _ask(self, post_id: str) -> asyncio.Future[Post | SentiserveError]:
        future: asyncio.Future[Post | SentiserveError]
        future = asyncio.get_running_loop().create_future()
        asked = self._asked.get(post_id)
        (self._waiting.setdefault(post_id, []) if asked is None else asked).append(future)
        return future

    async def _work(self) -> None:
        while batch := self._take():
            self._asked |= batch
            outcomes: Mapping[str, Post | SentiserveError] = {}
            try:
                outcomes = await self._look_up(list(batch))
            except Exception:  # noqa: BLE001  # the next batch may fare better
                _log.exception("lookup failed")
            finally:  # whatever went wrong, nobody is left waiting
                for post_id in batch:
                    failed = SourceError(f"X gives no post {post_id}: something went wrong here")
                    _settle(self._asked.pop(post_id), outcomes.get(post_id, failed))

    def _take(self) -> dict[str, _Waiting]:
        batch: dict[str, _Waiting] = {}
        while self._waiting and len(batch) < MAX_IDS:
            post_id = next(iter(self._waiting))
            futures = self._waiting.pop(post_id)
            if not all(future.done() for future in futures):
                batch[post_id] = futures
        return batch

    async def _look_up(self, ids: Sequence[str]) -> Mapping[str, Post | SentiserveError]:
        """The posts in their latest versions; each edited one costs a second read."""
        found = await self._request(ids)
        later = _outdated(found)
        versions = await self._request(sorted(set(later.values()))) if later else {}
        return {
            post_id: _merged(read, versions.get(later.get(post_id, "")))
            for post_id, read in found.items()
        }

    async def _request(self, ids: Sequence[str]) -> dict[str, Read]:
        found: dict[str, Read] = {}
        rest = list(ids)
        error: SentiserveError = self._api.exhausted()
        try:
            async with self._api.reserved(len(rest)) as reservation:
                asked, rest = rest[: reservation.reads], rest[reservation.reads :]
                params = {"ids": ",".join(asked), **self._dialect.params}
                answer = await self._api.read(
                    "lookup", "/2/tweets", params, reservation, lambda said: len(ids_of(said))
                )
                found = read_posts(answer, asked)
        except SentiserveError as raised:
            error = raised
        return {post_id: found.get(post_id, error) for post_id in ids}


def _outdated(found: Mapping[str, Read]) -> dict[str, str]:
    """The latest version's id of each post that isn't it."""
    return {
        post_id: read.latest
        for post_id, read in found.items()
        if isinstance(read, Version) and read.latest != post_id
    }


def _merged(read: Read, latest: Read | None) -> Post | SentiserveError:
    if isinstance(read, SentiserveError):
        return read
    return with_text_of(read.post, latest.post) if isinstance(latest, Version) else read.post


def _settle(futures: _Waiting, outcome: Post | SentiserveError) -> None:
    for future in futures:
        with suppress(asyncio.InvalidStateError):  # somebody has left
            future.set_result(outcome)
