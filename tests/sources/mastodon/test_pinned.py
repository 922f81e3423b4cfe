"""Connections to one host, on addresses that were checked."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from tls import certificate_for

from sentiserve.errors import SourceError
from sentiserve.sources.mastodon.pinned import PinnedTransport
from sentiserve.sources.web import Web
from sentiserve.testing.server import Server

HOST = "social.example"


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"hello from {request.headers['host']}")


async def elsewhere(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"])


class TLS:
    """A server with a certificate for the host, and another that must not be reached."""

    def __init__(self, server: Server, canary: Server, certificate: Path) -> None:
        self.server = server
        self.canary = canary
        self.certificate = certificate

    def transport(
        self, host: str = HOST, *addresses: str, port: int | None = None
    ) -> PinnedTransport:
        return PinnedTransport(
            host,
            resolve=lambda _: addresses or ("127.0.0.1",),
            is_allowed=lambda address: address.startswith("127."),
            port=port or self.server.port,
            verify=ssl.create_default_context(cafile=str(self.certificate)),
        )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TLS]:
    certificate, key = certificate_for(HOST, tmp_path_factory.mktemp("tls"))
    routes = [Route("/", hello), Route("/elsewhere", elsewhere)]
    with (
        Server(routes, certificate=certificate, key=key) as server,
        Server([Route("/", hello)]) as canary,
    ):
        yield TLS(server, canary, certificate)


async def get(transport: httpx2.AsyncBaseTransport, url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=transport) as client:
        return await client.get(url)


async def test_the_host_is_asked_by_its_name_on_its_address(tls: TLS) -> None:
    answer = await get(tls.transport(), f"https://{HOST}/")
    assert answer.text == f"hello from {HOST}"


async def test_the_certificate_must_be_for_the_host(tls: TLS) -> None:
    """A trusted certificate for another name is refused, whatever address it comes from."""
    with pytest.raises(httpx2.ConnectError, match="Hostname mismatch"):
        await get(tls.transport("other.example"), "https://other.example/")


async def test_the_certificate_must_be_trusted(tls: TLS) -> None:
    transport = PinnedTransport(
        HOST, resolve=lambda _: ["127.0.0.1"], is_allowed=lambda _: True, port=tls.server.port
    )
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await get(transport, f"https://{HOST}/")


async def test_the_environment_brings_no_trust_and_no_proxy(
    tls: TLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would look the name up again, and could be led anywhere."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, tls.canary.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate))
    assert (await get(tls.transport(), f"https://{HOST}/")).status_code == 200
    untold = PinnedTransport(
        HOST, resolve=lambda _: ["127.0.0.1"], is_allowed=lambda _: True, port=tls.server.port
    )
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await get(untold, f"https://{HOST}/")
    assert not tls.canary.requests


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/",
        "https://other.example/",
        "https://127.0.0.1/",
        f"https://{HOST}:8443/",
        f"https://user:password@{HOST}/",
        f"https://{HOST}@other.example/",
        f"https://{HOST}.other.example/",
    ],
)
async def test_nothing_but_the_host_is_asked(tls: TLS, url: str) -> None:
    before = len(tls.server.requests)
    with pytest.raises(httpx2.UnsupportedProtocol):
        await get(tls.transport(), url)
    assert len(tls.server.requests) == before


async def test_private_addresses_are_not_asked_unless_allowed(tls: TLS) -> None:
    """As it is made by default, this machine is out of its reach."""
    before = len(tls.server.requests)
    transport = PinnedTransport(
        HOST,
        resolve=lambda _: ["127.0.0.1"],
        port=tls.server.port,
        verify=ssl.create_default_context(cafile=str(tls.certificate)),
    )
    with pytest.raises(SourceError, match="not public"):
        await get(transport, f"https://{HOST}/")
    assert len(tls.server.requests) == before


async def test_the_name_is_looked_up_only_for_the_check(
    tls: TLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the address that was checked; nothing resolves the name again."""
    looked_up: list[str] = []
    original = socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> object:
        looked_up.append(host)
        return original(host, *args, **kwargs)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answers = iter([["127.0.0.1"]])  # a second look-up would find nothing

    def resolve(host: str) -> Sequence[str]:
        return next(answers)

    transport = PinnedTransport(
        HOST,
        resolve=resolve,
        is_allowed=lambda _: True,
        port=tls.server.port,
        verify=ssl.create_default_context(cafile=str(tls.certificate)),
    )
    async with httpx2.AsyncClient(transport=transport) as client:
        for _ in range(3):
            assert (
                await client.get(f"https://{HOST}/", headers={"connection": "close"})
            ).is_success
    assert HOST not in looked_up


async def test_the_next_address_is_tried_if_one_is_down(tls: TLS) -> None:
    """127.0.0.2 is this machine, too, but the server doesn't listen there."""
    answer = await get(tls.transport(HOST, "127.0.0.2", "127.0.0.1"), f"https://{HOST}/")
    assert answer.is_success


async def test_a_host_that_is_down_cannot_be_reached(tls: TLS) -> None:
    with pytest.raises(httpx2.ConnectError):
        await get(tls.transport(port=1), f"https://{HOST}/")


async def test_redirects_lead_nowhere(tls: TLS) -> None:
    """Not even within the host: what was not asked for is not fetched."""
    web = Web(HOST, f"https://{HOST}", timeout=30, transport=tls.transport())
    await web.open()
    reply = await web.get("/elsewhere", {"to": tls.canary.url})
    await web.close()
    assert reply.status == 307
    assert not tls.canary.requests
