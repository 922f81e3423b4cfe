"""Posts of X as they are written: rules say which, and one connection brings them.

X forgets nothing of a rule: those that we add carry our tag, and are removed in the end.
"""

import asyncio
import fcntl
import json
import random
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from sentiserve.errors import (
    BadInputError,
    BudgetExhaustedError,
    NotFoundError,
    PostProtectedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.sources.x.api import Api
from sentiserve.sources.x.posts import Dialect, Version, data_of, problems, read_page
from sentiserve.sources.x.state import shared_file
from sentiserve.sources.x.timelines import hashtag
from sentiserve.types import FeedQuery, Page, Post

_log = structlog.get_logger(__name__)
_RULES = "/2/tweets/search/stream/rules"
_STREAM = "/2/tweets/search/stream"
_MAX_RULES = 1_000  # by X's rules
_REMEMBERED = 10_000  # posts, so that none comes again after a broken connection
_LONGEST_PAUSE = 60.0  # seconds
_REMOVAL = 10.0  # seconds to take the rules away in the end
_FINAL = (
    SourceRefusedError,
    BudgetExhaustedError,
    BadInputError,
    NotFoundError,
    PostProtectedError,
)
# This machine's: it leaves those of another alone.
TAG = f"sentiserve-{sha256(socket.gethostname().encode()).hexdigest()[:8]}"


class Stream:
    """One connection, made anew when it breaks."""

    def __init__(
        self,
        api: Api,
        dialect: Dialect,
        lock: Path,
        *,
        silence: float = 30.0,
        pause: float = 0.5,
        patience: float = 600.0,
    ) -> None:
        """Take the API, the names that it is asked by, and how long to wait.

        Args:
            api: with an app's token; X streams to no other.
            dialect: the names that it is asked by.
            lock: a file that a machine's only stream holds.
            silence: seconds without a heartbeat after which the connection counts as lost.
            pause: seconds before another try to connect; they double, up to a minute.
            patience: seconds without any connection after which it is given up.
        """
        self._api = api
        self._dialect = dialect
        self._lock = lock
        self._silence = silence
        self._pause = pause
        self._patience = patience

    async def pages(self, query: FeedQuery, cursor: str | None) -> AsyncGenerator[Page]:
        """Posts with one of the hashtags, a page for each, until the limit or without end."""
        if cursor is not None:
            raise BadInputError("a stream of X has no cursor; leave it out")
        values = _values(query)
        if query.limit is not None and query.limit <= 0:
            return
        given = 0
        with _alone(self._lock):
            try:
                ours = await self._add(values)
                async with aclosing(self._posts(ours)) as posts:
                    async for post in posts:
                        yield Page([post])
                        given += 1
                        if given == query.limit:
                            return
            finally:
                await self._clean_up()

    async def _add(self, values: Sequence[str]) -> frozenset[str]:
        """Add the rules, in place of what a killed process left; the ids of all that match."""
        await self._remove()
        present = {rule.get("value") for rule in await self._rules()}
        add = [{"value": value, "tag": TAG} for value in values if value not in present]
        said = problems(await self._api.send("POST", _RULES, {"add": add})) if add else []
        found = {str(rule.get("id")): rule.get("value") for rule in await self._rules()}
        if missing := set(values) - set(found.values()):
            reason = said[0] if said else "it doesn't say why"
            raise BadInputError(f"X doesn't take the rule {min(missing)}: {reason}")
        return frozenset(rule for rule, value in found.items() if value in values)

    async def _rules(self) -> list[Any]:
        rules = data_of(await self._api.send("GET", _RULES)).get("data")
        return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []

    async def _remove(self) -> None:
        ours = [rule.get("id") for rule in await self._rules() if rule.get("tag") == TAG]
        if ours:
            await self._api.send("POST", _RULES, {"delete": {"ids": ours}})

    async def _clean_up(self) -> None:
        try:
            async with asyncio.timeout(_REMOVAL):
                await self._remove()
        except (SentiserveError, TimeoutError) as error:
            # What they match costs nothing while nobody is connected; the next stream removes them.
            _log.warning("rules are left at X", tag=TAG, error=str(error))

    async def _posts(self, ours: frozenset[str]) -> AsyncGenerator[Post]:
        """Each post once, whatever happens to the connection."""
        seen: dict[str, None] = {}  # in the order in which they came
        attempt, lost = 0, None
        while True:
            error = SourceError("X ended the stream")
            try:
                async with aclosing(self._connection()) as lines:
                    async for line in lines:
                        attempt, lost = 0, None
                        post = read_line(line, ours)
                        if post is not None and post.ref.id not in seen:
                            seen[post.ref.id] = None
                            if len(seen) > _REMEMBERED:
                                del seen[next(iter(seen))]
                            yield post
            except _FINAL:
                raise
            except SourceError as raised:
                error = raised
            lost = lost or time.monotonic()
            if time.monotonic() - lost > self._patience:
                raise error
            _log.warning("stream broke off, connecting again", error=str(error))
            await asyncio.sleep(self._wait(attempt, error))
            attempt += 1

    def _wait(self, attempt: int, error: SourceError) -> float:
        """Seconds before another try to connect: what X says, else twice as many each time."""
        asked = float(vars(error).get("retry_after", 0))  # the error's own, not its kind's
        pause = min(self._pause * 2.0 ** min(attempt, 10), _LONGEST_PAUSE)
        return max(asked, pause * random.uniform(0.5, 1))  # noqa: S311  # no secret

    async def _connection(self) -> AsyncGenerator[bytes]:
        """Lines, heartbeats among them; what the next post costs is put aside before it comes."""
        lines: AsyncIterator[bytes] | None = None
        async with AsyncExitStack() as stack:
            while True:
                async with self._api.reserved(1) as reservation:
                    reservation.spent = 0
                    if lines is None:
                        connected = self._api.stream(_STREAM, self._dialect.params, self._silence)
                        lines = await stack.enter_async_context(connected)
                    async for line in lines:
                        reservation.spent = 1 if line.strip() else 0
                        yield line
                        if reservation.spent:
                            break
                    else:
                        return


def read_line(line: bytes, ours: frozenset[str]) -> Post | None:
    """The post in a line of the stream, if one of our rules brought it.

    Raises:
        SourceError: the line says that the stream ends, or nothing that can be used.
    """
    if not line.strip():
        return None
    try:
        said = data_of(json.loads(line))
    except (ValueError, RecursionError):
        raise SourceError("X sent a line that is no JSON") from None
    if "data" not in said and (found := problems(said)):
        raise SourceError(f"X ended the stream: {found[0]}")
    rules = said.get("matching_rules")
    if isinstance(rules, list) and not any(_id(rule) in ours for rule in rules):
        return None  # a rule of somebody else's brought it
    for read in read_page(said).values():
        if isinstance(read, Version):
            return read.post
        if not isinstance(read, BadInputError):
            raise SourceRefusedError(str(read))
    return None


def _id(rule: object) -> str:
    return str(rule.get("id")) if isinstance(rule, dict) else ""


def _values(query: FeedQuery) -> list[str]:
    names = list(dict.fromkeys(hashtag(name) for name in query.names))
    if not 1 <= len(names) <= _MAX_RULES:
        raise BadInputError(f"name 1 to {_MAX_RULES:,} hashtags to stream")
    return [f"#{name}" for name in names]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """X allows one connection; a second would cut the first one off."""
    with shared_file(path) as descriptor:
        _lock(descriptor)
        yield


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceRefusedError(
            "another stream of X is running on this machine; stop it first"
        ) from None
