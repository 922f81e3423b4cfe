"""Servers on loopback that speak as platforms do, and fail as they do when a test wants it."""

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

_PATIENCE = 30.0  # seconds until a server has started or stopped, and that a stall lasts at most


class Fault(Enum):
    """What can go wrong with an answer."""

    FAILED = "status 500"
    UNAVAILABLE = "status 503"
    LIMITED = "status 429, for a second"
    NONSENSE = "status 200 and a page of HTML"
    STALLED = "no answer at all"
    TRUNCATED = "half of the body, then the end of the connection"
    DRIPPED = "the whole answer, in little pieces"


_ANSWERS = {
    Fault.FAILED: JSONResponse({"title": "Internal Server Error"}, 500),
    Fault.UNAVAILABLE: JSONResponse({"title": "Service Unavailable"}, 503),
    Fault.LIMITED: JSONResponse({"title": "Too Many Requests"}, 429, {"retry-after": "1"}),
    Fault.NONSENSE: HTMLResponse("<!doctype html><title>Down for maintenance</title>"),
}


def in_order(faults: Iterable[Fault | None]) -> Callable[[str], Fault | None]:
    """These faults, one for each request; none after the last."""
    remaining = iter(list(faults))
    return lambda _: next(remaining, None)


def at_random(seed: int, rate: float, kinds: Sequence[Fault]) -> Callable[[str], Fault | None]:
    """One of the kinds for so many of all requests, the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    return lambda _: draw.choice(kinds) if draw.random() < rate else None


class Server:
    """A server on a free port of loopback, in a thread of its own; a context manager.

    Attributes:
        url: where it listens.
        port: the port of that.
        requests: path and query of each request so far.
        faults: tells of a request's path what is to go wrong with it.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        *,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """Take what it answers; with a certificate it speaks TLS."""
        self.requests: list[tuple[str, QueryParams]] = []
        self.faults: Callable[[str], Fault | None] = lambda _: None
        self._errors: list[Exception] = []
        self._app = Starlette(routes=routes)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            http="h11",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            ws="websockets-sansio",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = _Prompt(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True
        )

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; what is under way breaks off.

        Raises:
            Exception: what went wrong with the server itself.
        """
        self._server.stop()
        self._thread.join(_PATIENCE)
        self._socket.close()
        if self._errors:
            raise self._errors[0]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._act(scope, receive, send)
        except Exception as error:
            self._errors.append(error)
            raise

    async def _act(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        path, is_http = request.url.path, scope["type"] == "http"
        self.requests.append((path, request.query_params))
        match self.faults(path) if is_http else None:  # what a socket's are, its route knows
            case None:
                await self._app(scope, receive, send)
            case Fault.STALLED:
                await _stall(receive)
            case Fault.TRUNCATED:
                with suppress(_CutError):
                    await self._app(scope, receive, _cut(send))
            case Fault.DRIPPED:
                await self._app(scope, receive, _drip(send))
            case fault:
                await _ANSWERS[fault](scope, receive, send)


class _Prompt(uvicorn.Server):
    """Stops as soon as it is told to; uvicorn's own looks now and then, and waits for answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """From any thread, also before it has begun."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self.server_state.connections):
            connection.transport.close()


class _CutError(Exception):
    """The connection ends here; nothing is wrong with the server."""


async def _stall(receive: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while (await receive())["type"] != "http.disconnect":
                pass


def _cut(send: Send) -> Send:
    async def half(message: Message) -> None:
        if body := message.get("body"):
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            raise _CutError
        await send(message)

    return half


def _drip(send: Send) -> Send:
    async def drop(message: Message) -> None:
        body = message.get("body", b"")
        for start in range(0, len(body), max(1, len(body) // 10)):
            piece = body[start : start + max(1, len(body) // 10)]
            await send({**message, "body": piece, "more_body": True})
            await asyncio.sleep(0.02)
        await send({**message, "body": b""} if body else message)

    return drop
