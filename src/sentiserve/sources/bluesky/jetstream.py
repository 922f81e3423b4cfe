"""Bluesky's live posts, from a Jetstream: every post there is, as it is written.

See https://github.com/bluesky-social/jetstream.
"""

import asyncio
import random
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

from sentiserve.errors import SourceError
from sentiserve.sources.bluesky.intake import Intake
from sentiserve.sources.bluesky.posts import POSTS
from sentiserve.sources.web import AGENT
from sentiserve.types import FeedQuery, Page

_log = structlog.get_logger(__name__)
_MAX_MESSAGE = 1 << 20  # bytes; no record is larger
_LONGEST_PAUSE = 30.0  # seconds before another connection, about
_LASTING = {*range(300, 500)} - {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class Jetstream:
    """Posts and deletions of all of Bluesky, sifted here by hashtag."""

    def __init__(
        self,
        url: str,
        *,
        interval: float = 5.0,
        silence: float = 60.0,
        pause: float = 0.5,
        tries: int = 10,
    ) -> None:
        """Take the server's address.

        Args:
            url: without a path.
            interval: seconds after which a page comes without posts, for its cursor.
            silence: seconds without an event after which the server counts as gone.
            pause: seconds before the second connection, about; before each further, twice that.
            tries: connections without anything new, one after another, that end the stream.
        """
        self._url = re.sub("^http", "ws", url)
        self._interval = interval
        self._silence = silence
        self._pause = pause
        self._tries = tries

    async def pages(self, query: FeedQuery, cursor: str | None) -> AsyncGenerator[Page, None]:
        """What is written from now on, or after a page's cursor; posts come within moments.

        Raises:
            BadInputError: the cursor is none of a Jetstream's, or a name no hashtag.
            SourceError: the server refuses, or has had nothing new for too long.
        """
        intake = Intake(query, cursor)
        failures = 0
        while not intake.is_over:
            before = intake.latest
            try:
                async with self._connection(intake.resume_at) as connection:
                    while not intake.is_over:
                        await self._fill(intake, connection)
                        yield intake.page()
            except (OSError, UnicodeError, WebSocketException) as error:
                reason = _reason(error)
            else:
                return
            if not intake.is_empty:
                yield intake.page()  # what came before the break
            failures = failures + 1 if intake.latest == before else 0
            await self._pause_after(failures, reason)

    def _connection(self, cursor: int | None) -> connect:
        params = {"wantedCollections": POSTS, "maxMessageSizeBytes": _MAX_MESSAGE}
        if cursor is not None:
            params["cursor"] = cursor
        return _Connect(
            f"{self._url}/subscribe?{urlencode(params)}",
            compression=None,
            max_size=_MAX_MESSAGE,
            close_timeout=0.1,  # seconds; nothing is lost without a farewell
            user_agent_header=AGENT,
        )

    async def _fill(self, intake: Intake, connection: ClientConnection) -> None:
        """Wait for an event, and for some time for a post; take what else has come by then."""
        until = asyncio.get_running_loop().time() + self._interval
        async with asyncio.timeout(self._silence):
            while not intake.take(await connection.recv(decode=False)):
                pass
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while not (intake.has_posts or intake.is_full):
                    intake.take(await connection.recv(decode=False))
        with suppress(TimeoutError):
            while not intake.is_full:
                async with asyncio.timeout(0):
                    intake.take(await connection.recv(decode=False))

    async def _pause_after(self, failures: int, reason: str) -> None:
        if failures >= self._tries:
            raise SourceError(f"Bluesky's stream {reason}; {failures} connections gave nothing new")
        longest = min(self._pause * 2**failures, _LONGEST_PAUSE)
        pause = longest * random.uniform(0.5, 1)  # noqa: S311  # no secret
        _log.warning("the stream broke off", reason=reason, again_in=round(pause, 1))
        await asyncio.sleep(pause)


class _Connect(connect):
    """A connection that is led nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _reason(error: Exception) -> str:
    """What went wrong, to go on with "the stream".

    Raises:
        SourceError: trying again doesn't help.
    """
    match error:
        case InvalidStatus(response=response):
            status = response.status_code
            if status in _LASTING:
                raise SourceError(f"Bluesky's stream refuses with status {status}") from None
            return f"answered with status {status}"
        case InvalidURI():
            raise SourceError("SENTISERVE_JETSTREAM_URL is no address of a stream") from None
        case TimeoutError():
            return "fell silent"
    return f"broke off ({type(error).__name__})"
