"""Posts by id, as they are now: up to a hundred with a request."""

from collections.abc import Mapping, Sequence

from sentiserve.errors import SentiserveError
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

MAX_IDS = 100  # of one request, by X's rules


class Lookups:
    """Looks posts up, as far as the budget goes."""

    def __init__(self, api: Api, dialect: Dialect) -> None:
        """Take the API and the names that it is asked by."""
        self._api = api
        self._dialect = dialect

    async def look_up(self, ids: Sequence[str]) -> Mapping[str, Post | SentiserveError]:
        """Each post in its latest version, or why it can't be had; an edited one costs two reads.

        Args:
            ids: of ``MAX_IDS`` posts at most.
        """
        found = await self._request(ids)
        latest = {
            post_id: read.latest for post_id, read in found.items() if isinstance(read, Version)
        }
        unread = sorted(set(latest.values()) - found.keys())
        versions = found | (await self._request(unread) if unread else {})
        return {
            post_id: _as_of_now(read, versions[latest.get(post_id, post_id)])
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


def _as_of_now(read: Read, latest: Read) -> Post | SentiserveError:
    """What it said before is no answer where what it says now can't be had."""
    if isinstance(read, SentiserveError):
        return read
    return with_text_of(read.post, latest.post) if isinstance(latest, Version) else latest
