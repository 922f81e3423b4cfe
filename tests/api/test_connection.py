"""A request's head is bounded in size and in time, before anybody reads it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from processes import Service

from sentiserve.api import connection


@contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        yield client


def answer(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nHost: test\r\n" + b"X-Many: header\r\n" * 100_000,
        b"GET /health/live HTTP/1.1\r\nHost: test\r\nX-Long: " + b"a" * 1_000_000,
        b"GET /" + b"a" * 1_000_000,
    ],
    ids=["many headers", "a long header", "a long line"],
)
def test_an_endless_head_is_refused(service: Service, head: bytes) -> None:
    with connected(service) as client:
        received = b""
        try:
            client.sendall(head)
            received = answer(client)
        except ConnectionError:  # it was closed while much was still on its way
            pass
        assert received[:12] in {b"HTTP/1.1 431", b""}
    assert service.client.get("/health/live").is_success


def test_a_large_head_within_the_bound_is_read(service: Service) -> None:
    headers = {f"x-{number}": "a" * 1_000 for number in range(40)}
    assert service.client.get("/health/live", headers=headers).is_success


def test_requests_on_one_connection_have_a_bound_each(service: Service) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: test\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"
    with connected(service) as client:
        for _ in range(10):
            client.sendall(request)
            received = b""
            while not received.endswith(b"}"):
                received += client.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")


@asynccontextmanager
async def serving(app: Any, keep_alive: int = 60) -> AsyncIterator[tuple[uvicorn.Server, Any]]:
    """A server over the app, and its address."""
    config = uvicorn.Config(
        app,
        http=connection.Connection,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield server, listener.getsockname()
    finally:
        server.should_exit = True
        await task


async def test_a_head_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_HEAD_SECONDS", 0.2)

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("no request was complete")

    async with serving(app) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1")
        async with asyncio.timeout(60):
            assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()


def only(server: uvicorn.Server) -> connection.Connection:
    (one,) = server.server_state.connections
    assert isinstance(one, connection.Connection)
    return one


@pytest.mark.parametrize("close", [b"close", b"keep-alive"])
async def test_who_never_reads_the_little_that_is_left_is_given_up(
    monkeypatch: pytest.MonkeyPatch, close: bytes
) -> None:
    monkeypatch.setattr(connection, "_READING_SECONDS", 0.2)
    answered = asyncio.Event()

    async def app(scope: object, receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not only(server).transport.get_write_buffer_size():
            body = {"type": "http.response.body", "body": b"a" * 4096, "more_body": True}
            await send(body)
        await send({"type": "http.response.body", "body": b""})
        answered.set()

    async with serving(app, keep_alive=1) as (server, address):
        with socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: %b\r\n\r\n" % close)
            async with asyncio.timeout(60):
                await answered.wait()
                while server.server_state.connections:
                    await asyncio.sleep(0.01)


async def test_who_reads_is_not_counted_among_those_who_do_not() -> None:
    watched = []

    async def app(scope: object, receive: object, send: Any) -> None:
        headers = [(b"content-length", b"%d" % (64 << 20))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a" * (64 << 20)})
        watched.append(only(server)._reading)

    async with serving(app) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(64 << 20)
        assert watched[0] is not None
        assert only(server)._reading is None
        writer.close()
