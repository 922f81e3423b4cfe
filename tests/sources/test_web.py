"""A server that nobody can connect to is told soon, by name."""

import asyncio
import socket
import time

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sentiserve.errors import SourceError
from sentiserve.sources.web import Web
from sentiserve.testing.server import Server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_who_is_not_there_is_told_long_before_the_time_is_over(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> float:
        if host != "127.0.0.1":  # as on a machine that knows no names
            monkeypatch.setattr(socket, "getaddrinfo", _unknown)
        web = Web("the museum", f"http://{host}:{free_port()}", timeout=30)
        await web.open()
        started = time.monotonic()
        try:
            with pytest.raises(SourceError, match="the museum can't be reached"):
                await web.get("/")
        finally:
            await web.close()
        return time.monotonic() - started

    assert asyncio.run(scenario()) < 5


async def test_no_cookies_are_kept() -> None:
    """A server may send new ones with each answer, for days."""
    brought: list[str | None] = []

    async def bake(request: Request) -> Response:
        brought.append(request.headers.get("cookie"))
        response = Response("{}")
        response.set_cookie(f"number-{len(brought)}", "x" * 1_000)
        return response

    with Server([Route("/", bake)]) as server:
        web = Web("the bakery", server.url, timeout=5)
        await web.open()
        for _ in range(3):
            await web.get("/")
        await web.close()
    assert brought == [None, None, None]


def _unknown(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
