"""Asking a web API: who is not there, and who wants to be asked later."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sentiserve.errors import QuotaExhaustedError, SourceError
from sentiserve.sources.web import Web
from sentiserve.testing.server import Server


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_who_is_not_there_is_told_long_before_the_time_is_over(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> float:
        if host != "127.0.0.1":  # as on a machine that knows no names
            monkeypatch.setattr(socket, "getaddrinfo", _unknown)
        web = Web("the museum", f"http://{host}:1", timeout=30)
        await web.open()
        started = time.monotonic()
        try:
            with pytest.raises(SourceError, match="the museum can't be reached"):
                await web.get("/")
        finally:
            await web.close()
        return time.monotonic() - started

    assert asyncio.run(scenario()) < 15


def in_(seconds: float) -> str:
    return str(time.time() + seconds)


def date_in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "70"}, 70),
        ({"retry-after": date_in(7_200)}, 7_200),
        ({"retry-after": "70", "x-rate-limit-reset": in_(7_200)}, 70),
        ({"x-rate-limit-reset": in_(7_200)}, 7_200),
        ({"x-ratelimit-reset": "2000-01-01T00:00:00Z"}, 1),
        ({"ratelimit-reset": "100000"}, 86_400),
        ({"retry-after": "nan"}, 900),
        ({}, 900),
    ],
)
async def test_who_wants_to_be_asked_later_says_when(headers: dict[str, str], seconds: int) -> None:
    """Retry-After first, then the end of the window; at most a day, at least a second."""
    async with answering(lambda _: Response(status_code=429, headers=headers)) as web:
        with pytest.raises(QuotaExhaustedError, match="less often") as caught:
            await web.get("/")
    assert caught.value.retry_after == pytest.approx(seconds, rel=0.2)


async def test_a_failure_is_not_waited_out_until_the_window_ends() -> None:
    """Limits are told with every answer, and have nothing to do with it."""
    failed = Response(status_code=503, headers={"x-rate-limit-reset": in_(7_200)})
    answers = iter([failed, Response("there")])
    async with answering(lambda _: next(answers)) as web:
        assert (await web.get("/")).body == b"there"


async def test_a_failure_is_told_though_a_further_try_takes_too_long() -> None:
    """Whether the time ends in a pause or in a try is chance, and changes no error."""
    answers = iter([Response(status_code=503), StreamingResponse(_without_end())])
    async with answering(lambda _: next(answers)) as web:
        with pytest.raises(SourceError, match="503"):
            await web.get("/")


@asynccontextmanager
async def answering(answer: Callable[[Request], Response]) -> AsyncIterator[Web]:
    """What asks a server that says this."""
    with Server([Route("/", answer)]) as server:
        web = Web("the museum", server.url, timeout=4)
        await web.open()
        try:
            yield web
        finally:
            await web.close()


async def test_no_cookies_are_kept() -> None:
    """A server may send new ones with each answer, for days."""
    brought: list[str | None] = []

    async def bake(request: Request) -> Response:
        brought.append(request.headers.get("cookie"))
        response = Response("{}")
        response.set_cookie(f"number-{len(brought)}", "x" * 1_000)
        return response

    with Server([Route("/", bake)]) as server:
        web = Web("the bakery", server.url, timeout=30)
        await web.open()
        for _ in range(3):
            await web.get("/")
        await web.close()
    assert brought == [None, None, None]


async def _without_end() -> AsyncIterator[bytes]:
    while True:
        yield b"."
        await asyncio.sleep(0.05)


def _unknown(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
