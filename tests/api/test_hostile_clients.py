"""Clients who send too little, too much, or nonsense cost their own connection and no more."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from processes import PATIENCE, Service, StartService, eventually

from sentiserve.api.connection import MAX_HEADERS, MAX_PIPELINED

LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
LAST = b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
POST = b"POST /v1/sentiment HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for these clients alone: they leave traces in its log and its metrics."""
    with Service(tmp_path_factory.mktemp("hostile")) as started:
        yield started


@contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as client:
        yield client


def exchange(service: Service, sent: bytes, *, half_close: bool = False) -> bytes:
    """All that comes back until the service closes the connection."""
    with connected(service) as client:
        received = b""
        with suppress(ConnectionError):  # it was closed while much was still on its way
            client.sendall(sent)
            if half_close:
                client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(65536):
                received += chunk
        return received


def is_well(service: Service) -> bool:
    return exchange(service, LAST).startswith(b"HTTP/1.1 200")


def files(service: Service) -> int:
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


def memory(service: Service) -> int:
    """Resident, in MB."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1000


REFUSED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no method": b"NONSENSE / HTTP/1.1\r\nHost: test\r\n\r\n",
    "no version": b"GET / HTTP/9.9\r\nHost: test\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : test\r\n\r\n",
    "a line that goes on": b"GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n",
    "a null byte": b"GET /\x00 HTTP/1.1\r\nHost: test\r\n\r\n",
    "a length that is none": POST + b"Content-Length: ten\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "an endless length": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + LIVE,
    "chunks that aren't last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a chunk without a length": CHUNKED + b"\r\nabc\r\n",
    "a negative chunk": CHUNKED + b"-5\r\nabcde\r\n",
    "an endless chunk": CHUNKED + b"F" * 17 + b"\r\n",
    "a chunk that is longer than it says": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_what_is_no_http_is_refused_and_nothing_behind_it_is_read(
    service: Service, sent: bytes
) -> None:
    received = exchange(service, sent, half_close=False)
    assert received[:12] in {b"HTTP/1.1 400", b""}, received
    assert received.count(b"HTTP/1.1") <= 1
    assert is_well(service)


STRANGE = {
    "an absolute address": (b"GET http://test/health/live HTTP/1.1\r\nHost: test\r\n", b"200"),
    "an address without a path": (b"GET http://test HTTP/1.1\r\nHost: test\r\n", b"400"),
    "all of the server": (b"OPTIONS * HTTP/1.1\r\nHost: test\r\n", b"404"),
    "a tunnel": (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n", b"40"),
    "a websocket": (
        b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: upgrade, close\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n",
        b"200",
    ),
    "the old version": (b"GET /health/live HTTP/1.0\r\n", b"200"),
    "a path that is no UTF-8": (b"GET /%ff%fe HTTP/1.1\r\nHost: test\r\n", b"404"),
    "a way out": (b"GET /swagger/../../../../etc/passwd HTTP/1.1\r\nHost: test\r\n", b"404"),
    "an encoded way out": (b"GET /swagger/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: test\r\n", b"404"),
}


@pytest.mark.parametrize(("head", "status"), STRANGE.values(), ids=STRANGE)
def test_strange_requests_have_plain_answers(service: Service, head: bytes, status: bytes) -> None:
    close = b"" if b"close" in head else b"Connection: close\r\n"
    received = exchange(service, head + close + b"\r\n")
    assert received.startswith(b"HTTP/1.1 " + status), received
    assert is_well(service)


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"PUT", b"TRACE"])
def test_other_methods_have_plain_answers(service: Service, method: bytes) -> None:
    head = method + b" /v1/model HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    received = exchange(service, head)
    assert received.startswith(b"HTTP/1.1 405")
    if method == b"HEAD":
        assert received.endswith(b"\r\n\r\n")


def test_more_headers_than_anybody_needs_are_refused(service: Service) -> None:
    head = b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
    most = b"a: b\r\n" * (MAX_HEADERS - 2)
    assert exchange(service, head + most + b"\r\n").startswith(b"HTTP/1.1 200")
    assert exchange(service, head + most + b"a: b\r\n\r\n").startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "more",
    [
        b"0\r\n" + b"a: b\r\n" * 200_000,
        b"0\r\nx: " + b"a" * 3_000_000,
        b"1;" + b"a" * 3_000_000,
    ],
    ids=["many trailers", "a long trailer", "a long extension of a chunk"],
)
def test_what_follows_a_body_is_bounded(service: Service, more: bytes) -> None:
    before = memory(service)
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(service)) for _ in range(10)]
        for client in clients:
            with suppress(ConnectionError):
                client.sendall(CHUNKED + more)
        assert memory(service) < before + 100
    assert is_well(service)


def test_requests_in_a_row_are_answered_in_order(service: Service) -> None:
    requests = [
        b"GET /nowhere/%d HTTP/1.1\r\nHost: test\r\nX-Request-Id: %d\r\n\r\n" % (n, n)
        for n in range(MAX_PIPELINED)
    ]
    received = exchange(service, b"".join(requests) + LAST)
    ids = [line for line in received.split(b"\r\n") if line.lower().startswith(b"x-request-id")]
    assert [line.rpartition(b" ")[2] for line in ids[:-1]] == [
        b"%d" % number for number in range(MAX_PIPELINED)
    ]


def test_a_flood_of_requests_in_a_row_is_cut_off(service: Service) -> None:
    """What was taken is answered, and the connection ends; nothing piles up."""
    before = memory(service)
    received = exchange(service, LIVE * 100_000)
    answers = received.count(b"HTTP/1.1 200")
    assert 1 <= answers <= 100_000
    assert memory(service) < before + 50
    assert is_well(service)


def test_a_body_that_nobody_reads_is_not_waited_for_long(start_service: StartService) -> None:
    """Nor does a client that goes on sending it keep the connection."""
    service = start_service(KEEP_ALIVE="1")
    with connected(service) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n")
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200")


def test_silent_and_leaving_clients_free_their_places(start_service: StartService) -> None:
    service = start_service(KEEP_ALIVE="1")
    before = files(service)
    with ExitStack() as stack:
        for number in range(300):
            client = stack.enter_context(connected(service))
            if number % 3 == 1:
                client.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
            elif number % 3 == 2:
                client.sendall(b"GET /v1/inf")
            if number % 3:
                client.close()
        assert is_well(service)
        # Those who said nothing at all are sent away after the time between two requests.
        eventually(lambda: files(service) <= before + 5)
    assert is_well(service)


@pytest.mark.parametrize("path", ["/v1/sentiment", "/v1/features"])
def test_an_object_with_a_flood_of_names_costs_little(service: Service, path: str) -> None:
    names = ",".join(f'"{number:x}":1' for number in range(400_000))
    before = memory(service)
    for body in (f'{{"inputs":[],{names}}}', f'{{"features":[],"entities":[{{{names}}}]}}'):
        answer = service.client.post(
            path, content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422
        assert len(answer.content) < 1_000
    assert memory(service) < before + 200  # what is read takes some 100; with errors it was 600


def test_a_client_who_does_not_read_holds_up_nobody(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connected(service))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n")
        started = time.monotonic()
        assert is_well(service)
        assert time.monotonic() - started < 20


def test_idle_connections_are_kept_longer_than_load_balancers_keep_theirs(
    service: Service, start_service: StartService
) -> None:
    """The setting is what a connection is closed by; its default is beyond 60 seconds."""
    from sentiserve.settings import Settings

    assert Settings.model_fields["keep_alive"].default > 60
    brief = start_service(KEEP_ALIVE="3")
    with connected(brief) as client:
        client.sendall(LIVE)
        received = b""
        while not received.endswith(b"}"):
            received += client.recv(65536)
        started = time.monotonic()
        assert client.recv(65536) == b""  # closed by the service
        assert time.monotonic() - started > 1
