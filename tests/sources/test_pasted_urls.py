"""A URL that somebody pasted is read, and never fetched, by whatever source."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

import pytest
from pydantic import SecretStr

from sentiserve.protocols import Source
from sentiserve.settings import Settings
from sentiserve.sources.registry import SOURCES, make_source
from sentiserve.testing.server import Server
from sentiserve.types import PostRef

NAMES = [name for name, where in SOURCES.items() if find_spec(where.partition(":")[0])]
FORMS = [
    "{canary}/@ella/1",
    "{canary}/ella/status/1",
    "{canary}/users/ella/statuses/1",
    "{canary}/profile/ella.example/post/3k",
    "http://localhost:{port}/@ella/1",
    "http://127.1:{port}/@ella/1",
    "http://2130706433:{port}/@ella/1",
    "http://0x7f000001:{port}/@ella/1",
    "http://[::ffff:127.0.0.1]:{port}/@ella/1",
    "http://localhost.:{port}/@ella/1",
    "http://x.com@127.0.0.1:{port}/ella/status/1",
    "http://x.com:80@127.0.0.1:{port}/ella/status/1",
    "http://127.0.0.1:{port}@x.com/ella/status/1",
    "http://127.0.0.1:{port}\\@mastodon.social/@ella/1",
    "http://127.0.0.1:{port}#@mastodon.social/@ella/1",
    "http://127.0.0.1:{port}?@mastodon.social/@ella/1",
    "https://x.com:{port}/ella/status/1",
    "https://mastodon.social:{port}/@ella/1",
    "https://mastodon.social.:{port}/@ella/1",
    "https://mastodon.social/../@ella/1?u={canary}",
    "https://x.com/i/redirect?url={canary}/ella/status/1",
    "https://t.co/{port}",
    "//127.0.0.1:{port}/@ella/1",
    "at://127.0.0.1:{port}/app.bsky.feed.post/3k",
    "gopher://127.0.0.1:{port}/@ella/1",
    "file:///etc/passwd",
    "{canary}",
]


@pytest.fixture(scope="module")
def canary() -> Iterator[Server]:
    """A server that must not be asked."""
    with Server([]) as server:
        yield server


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """In place of X and Bluesky; it knows nothing."""
    with Server([]) as server:
        yield server


@asynccontextmanager
async def opened(name: str, upstream: Server) -> AsyncIterator[Source]:
    source = make_source(
        name,
        Settings(
            x_bearer_token=SecretStr("made-up"),
            x_url=upstream.url,
            oembed_url=upstream.url,
            bluesky_url=upstream.url,
            jetstream_url=upstream.url.replace("http", "ws", 1),
            mastodon_hosts=("social.invalid",),
            source_timeout=1.0,
        ),
    )
    await source.open()
    try:
        yield source
    finally:
        await source.close()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_pasted_url_is_never_fetched(
    name: str, form: str, canary: Server, upstream: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says, only the addresses in the settings are asked, and its host isn't."""
    url = form.format(canary=canary.url, port=canary.port)
    looked_up: list[object] = []
    original = socket.getaddrinfo

    def getaddrinfo(host: object, *args: object, **kwargs: object) -> object:
        looked_up.append(host)
        return original(host, *args, **kwargs)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with opened(name, upstream) as source:
        ref = source.parse(url)
        asked = [ref] if ref else []
        asked += [PostRef(platform, url) for platform in ("x", "bluesky", "mastodon")]
        answers = await source.fetch(asked)
    assert all(isinstance(answer, Exception) for answer in answers)
    assert not canary.requests
    assert set(looked_up) <= {"127.0.0.1"}
