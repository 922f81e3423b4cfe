"""HTTP/1.1 connections as cheap as they get in Python: the generator shares the cores it loads."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from benchmarks.serving.shots import FAILED

_END_OF_HEAD = b"\r\n\r\n"
OnAnswer = Callable[[int, float], None]  # status, seconds since the request was due


def by_status(status: int, _body: bytes) -> int:
    """Judge an answer by its status line."""
    return status


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go.

    Attributes:
        judge: the status that an answer amounts to, given its status and its body; for a
            server that puts errors into answers with status 200.
    """

    port: int
    host: str = "127.0.0.1"
    judge: Callable[[int, bytes], int] = by_status


class Pool:
    """Connections that are kept, one request on each at a time.

    Beyond the limit a request waits for a connection, and its time runs.
    """

    def __init__(self, server: Server, limit: int, on_answer: OnAnswer) -> None:
        self._server = server
        self._limit = limit
        self._on_answer = on_answer
        self._free: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[bytes, float]] = deque()

    def send(self, request: bytes, due: float) -> None:
        """Send now if there is a connection, else as soon as there is."""
        if self._free:
            self._free.pop().send(request, due)
        elif len(self._open) + len(self._opening) < self._limit:
            task = asyncio.get_running_loop().create_task(self._send_on_new(request, due))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self._waiting.append((request, due))

    async def fill(self) -> None:
        """Open all connections, so that none is opened under load."""
        missing = self._limit - len(self._open)
        self._free += await asyncio.gather(*[self._connect() for _ in range(missing)])

    async def close(self) -> None:
        """Abandon everything."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in tuple(self._open):
            connection.abandon()

    async def _send_on_new(self, request: bytes, due: float) -> None:
        try:
            connection = await self._connect()
        except OSError:
            self._on_answer(FAILED, time.perf_counter() - due)
            return
        connection.send(request, due)

    async def _connect(self) -> "_Connection":
        loop, server = asyncio.get_running_loop(), self._server
        _, connection = await loop.create_connection(
            lambda: _Connection(self), server.host, server.port
        )
        self._open.add(connection)
        return connection

    def answered(self, connection: "_Connection", status: int, body: bytes, due: float) -> None:
        """Take note of an answer, and use the connection again."""
        self._on_answer(self._server.judge(status, body), time.perf_counter() - due)
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def lost(self, connection: "_Connection", due: float | None) -> None:
        """A connection is gone, perhaps in the middle of a request."""
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if due is not None:
            self._on_answer(FAILED, time.perf_counter() - due)
        if self._waiting:
            self.send(*self._waiting.popleft())


class _Connection(asyncio.Protocol):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._due: float | None = None  # of the request that is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's isn't one by name

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(_END_OF_HEAD)
        if not separator or len(body) < content_length(head) or self._due is None:
            return
        due, self._due = self._due, None
        self._received.clear()
        self._pool.answered(self, int(head[9:12]), bytes(body), due)

    def connection_lost(self, _: Exception | None) -> None:
        due, self._due = self._due, None
        self._pool.lost(self, due)

    def abandon(self) -> None:
        self._due = None
        if self._transport is not None:
            self._transport.abort()


def content_length(head: bytes | bytearray) -> int:
    """How long an answer's body is.

    Raises:
        ValueError: its head doesn't say.
    """
    _, found, rest = bytes(head).lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("an answer without Content-Length")
    return int(rest.partition(b"\r\n")[0])
