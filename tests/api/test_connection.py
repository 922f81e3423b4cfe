"""A request's head is bounded in size and in time, before anybody reads it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
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


async def test_a_head_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_HEAD_SECONDS", 0.2)

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("no request was complete")

    config = uvicorn.Config(app, http=connection.Connection, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1")
    async with asyncio.timeout(60):
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
    writer.close()
    server.should_exit = True
    await serving
