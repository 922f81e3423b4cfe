"""Asking a web API: in bounded time and size, tried again where that helps, never led elsewhere."""

import asyncio
import json
import math
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from sentiserve.errors import (
    QuotaExhaustedError,
    SentiserveError,
    SourceError,
    SourceTimeoutError,
)
from sentiserve.sources.waits import wait_of

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds before another try, about
_KNOCKING = 0.5  # seconds for which a server that can't be connected to is tried again
AGENT = "sentiserve (+https://pypi.org/project/sentiserve)"

Params = Mapping[str, str | Sequence[str]]  # of a query; a name may have several values
Watch = Callable[[int, Mapping[str, str]], None]
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])  # there is no end of those they may send


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said, whatever it was.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            SourceError: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise SourceError("the source answered with something that is no JSON") from None

    @property
    def wait(self) -> float | None:
        """The seconds until the server wants to be asked again, where it says so."""
        return wait_of(self.status, self.headers)


class Web:
    """One server's API over HTTP; redirects are not followed.

    Another try is made, within the time that all tries together may take, when the server can't
    be reached, breaks off, is too slow, fails (5xx), or wants to be asked later (429). The error
    is that of the last try which had an outcome.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 8 << 20,
        transport: httpx2.AsyncBaseTransport | None = None,
        refusal: Callable[[Reply], SentiserveError | None] = lambda _: None,
    ) -> None:
        """Take the server's name for messages, and its address.

        Args:
            name: what errors call the server.
            base_url: what paths are added to.
            timeout: seconds that an answer may take, with all tries.
            headers: sent with each request; may hold a secret.
            max_bytes: of an answer's body.
            transport: in place of the usual one.
            refusal: the error that an answer means which no other try would change.
        """
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        # Packed answers are not asked for: a little of one may unpack to more than fits.
        self._headers = {"user-agent": AGENT, "accept-encoding": "identity", **(headers or {})}
        self._max_bytes = max_bytes
        self._transport = transport
        self._refusal = refusal
        self._is_open = False
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Make ready; nothing is sent."""
        self._is_open = True

    async def close(self) -> None:
        """Close the connections."""
        self._is_open = False
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def get(
        self,
        path: str,
        params: Params | None = None,
        watch: Watch = lambda _, __: None,
    ) -> Reply:
        """What the server says: any status below 500 but 429.

        Raises:
            QuotaExhaustedError: it wants to be asked later than there is time.
            SourceTimeoutError: it did not answer in time.
            SourceError: it can't be reached, or fails.
        """
        return await self.send("GET", path, params, watch=watch)

    async def send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        body: object = None,
        watch: Watch = lambda _, __: None,
    ) -> Reply:
        """The same with another method, and with a body as JSON where there is one.

        ``watch`` is told the status and headers of each try's answer, as soon as it begins.

        Raises:
            QuotaExhaustedError: it wants to be asked later than there is time.
            SourceTimeoutError: it did not answer in time.
            SourceError: it can't be reached, or fails.
        """
        deadline = time.monotonic() + self._timeout
        pause = _FIRST_PAUSE
        error: SourceError | None = None
        while True:
            try:
                outcome = await self._try(deadline, method, path, params, body, watch)
            except SourceTimeoutError as cut_off:  # what was wrong the time before says more
                raise error or cut_off from None
            if isinstance(outcome, Reply):
                return outcome
            error, wait = outcome
            wait = max(wait, pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            if time.monotonic() + wait >= deadline:
                raise error
            await asyncio.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Params | None = None, *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Lines as the server sends them; one try.

        Args:
            path: what to ask for.
            params: of the query.
            silence: seconds without a byte after which the server counts as gone.

        Raises:
            SourceError: it can't be reached, refuses, or sends a line over the limit; also
                while lines are read.
        """
        limits = httpx2.Timeout(self._timeout, read=silence)
        async with AsyncExitStack() as stack:
            try:
                client = await self._connecting()
                response = await stack.enter_async_context(
                    client.stream("GET", self._base_url + path, params=params, timeout=limits)
                )
                if response.status_code != HTTPStatus.OK:
                    outcome = self._outcome(await self._reply(response))
                    if isinstance(outcome, Reply):
                        raise SourceError(f"{self._name} answered {outcome.status}")
                    raise outcome[0]
                yield self._lines(response)
            except httpx2.HTTPError as error:
                raise self._error(error) from error

    async def _try(
        self,
        deadline: float,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        watch: Watch,
    ) -> Reply | tuple[SourceError, float]:
        """An answer, or what was wrong and the least seconds to wait before another try."""
        client = await self._connecting()
        try:
            async with (
                asyncio.timeout(max(0.0, deadline - time.monotonic())),
                client.stream(method, self._base_url + path, params=params, json=body) as response,
            ):
                watch(response.status_code, _names_in_lower_case(response))
                reply = await self._reply(response)
        except TimeoutError:
            raise self._too_slow() from None
        except httpx2.ConnectError as error:  # nobody is there, or nobody knows where that is
            if time.monotonic() > deadline - self._timeout + _KNOCKING:
                raise self._error(error) from error
            return self._error(error), 0.0
        except httpx2.HTTPError as error:
            return self._error(error), 0.0
        return self._outcome(reply)

    def _outcome(self, reply: Reply) -> Reply | tuple[SourceError, float]:
        if refusal := self._refusal(reply):
            raise refusal
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = reply.wait
            seconds = None if wait is None else max(1, math.ceil(wait))
            limited = f"{self._name} wants to be asked less often"
            return QuotaExhaustedError(limited, seconds), wait or _LONGEST_PAUSE
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            failed = SourceError(f"{self._name} failed with status {reply.status}")
            return failed, min(reply.wait or 0.0, _LONGEST_PAUSE)
        return reply

    async def _reply(self, response: httpx2.Response) -> Reply:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                raise SourceError(f"{self._name} answered with over {self._max_bytes:,} bytes")
        return Reply(response.status_code, _names_in_lower_case(response), bytes(body))

    async def _lines(self, response: httpx2.Response) -> AsyncIterator[bytes]:
        pending = bytearray()
        async for chunk in response.aiter_raw():
            *lines, rest = (bytes(pending) + chunk).split(b"\n")
            pending = bytearray(rest)
            for line in lines:
                yield line.rstrip(b"\r")
            if len(pending) > self._max_bytes:
                raise SourceError(f"{self._name} sent a line of over {self._max_bytes:,} bytes")

    def _error(self, error: httpx2.HTTPError) -> SourceError:
        # Neither the address nor a header of the request may reach whoever asked.
        if isinstance(error, httpx2.TimeoutException):
            return self._too_slow()
        return SourceError(f"{self._name} can't be reached, or broke off ({type(error).__name__})")

    def _too_slow(self) -> SourceTimeoutError:
        return SourceTimeoutError(f"{self._name} did not answer in time")

    async def _connecting(self) -> httpx2.AsyncClient:
        """What connects; made when it is needed first, so that no start waits for it."""
        authorities = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if self._client is None and self._transport is None:
            await asyncio.to_thread(_tls, *authorities)
        if not self._is_open:
            raise SourceError(f"the source that asks {self._name} is not open")
        if self._client is None:
            self._client = httpx2.AsyncClient(
                headers=self._headers,
                cookies=CookieJar(_NO_COOKIES),
                timeout=self._timeout / 2,  # for one step of one try, so that another is possible
                transport=self._transport,
                verify=self._transport is None and _tls(*authorities),
                follow_redirects=False,
            )
        return self._client


@cache
def _tls(*_: str | None) -> ssl.SSLContext:
    """Whom to trust; reading that takes a while, so once for each place that it is read from."""
    return httpx2.create_ssl_context()


def _names_in_lower_case(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
