"""X's oEmbed, over real sockets to a server that speaks as it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    QuotaExhaustedError,
    SentiserveError,
    SourceError,
    SourceTimeoutError,
)
from sentiserve.settings import Settings
from sentiserve.sources.oembed import OEmbed, from_settings, read_answer
from sentiserve.sources.registry import make_source
from sentiserve.sources.web import Reply
from sentiserve.testing import SourceContract
from sentiserve.testing.oembed_server import OEmbedServer, oembed_answer
from sentiserve.testing.server import Fault, at_random, in_order
from sentiserve.types import Post, PostRef

TIME = datetime(2018, 10, 10, 20, 19, 24, 307000, tzinfo=UTC)
ID = (round(TIME.timestamp() * 1000) - 1_288_834_974_657) << 22


def post(number: int, text: str = "What a day! I like it.", handle: str = "ella") -> Post:
    return Post(
        ref=PostRef("x", str(ID + number)),
        text=text,
        url=f"https://x.com/{handle}/status/{ID + number}",
        author_handle=handle,
        created_at=TIME,
    )


POSTS = [
    post(1),
    post(2, "Tom & Ann <3\n\nOh no… 😀 #sad https://t.co/abc", "Tom_2"),
    post(3, "¡Qué día!"),
]
REFS = [known.ref for known in POSTS]


@pytest.fixture
def server() -> Iterator[OEmbedServer]:
    with OEmbedServer(POSTS) as started:
        yield started


@asynccontextmanager
async def opened(server: OEmbedServer, seconds: float = 30.0) -> AsyncIterator[OEmbed]:
    source = OEmbed(server.url, timeout=seconds)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def fetch(server: OEmbedServer, *refs: PostRef) -> list[Post | SentiserveError]:
    async with opened(server) as source:
        return await source.fetch(refs)


class TestOEmbed(SourceContract):
    known = [(f"https://x.com/whoever/status/{known.ref.id}", known) for known in POSTS]
    missing_url = f"https://x.com/ella/status/{ID + 9}"
    unknown_url = "https://mastodon.social/@ella/1"

    @pytest.fixture(autouse=True)
    def _served(self, server: OEmbedServer) -> None:
        self.server = server

    def make_source(self, tmp_path: Path) -> OEmbed:
        return OEmbed(self.server.url, timeout=30.0)


async def test_a_post_is_asked_for_by_its_id_alone(server: OEmbedServer) -> None:
    """The address is put together here; the author's name in a pasted one counts for nothing."""
    await fetch(server, POSTS[0].ref)
    ((path, params),) = server.requests
    assert path == "/oembed"
    assert dict(params) == {
        "url": f"https://x.com/i/status/{POSTS[0].ref.id}",
        "omit_script": "1",
        "dnt": "true",
    }


async def test_a_deleted_post_is_gone(server: OEmbedServer) -> None:
    del server.posts[POSTS[0].ref.id]
    error, other = await fetch(server, *REFS[:2])
    assert isinstance(error, PostDeletedError)
    assert POSTS[0].ref.id in str(error)
    assert other == POSTS[1]


async def test_a_post_of_the_future_is_not_found(server: OEmbedServer) -> None:
    """It can't have been deleted, for there never was one."""
    (error,) = await fetch(server, PostRef("x", "9" * 18 + "0"))
    assert isinstance(error, NotFoundError)


async def test_a_protected_post_is_refused(server: OEmbedServer) -> None:
    server.protected.add(POSTS[0].ref.id)
    error, other = await fetch(server, *REFS[:2])
    assert isinstance(error, PostProtectedError)
    assert other == POSTS[1]


@pytest.mark.parametrize(
    "ref",
    [
        PostRef("bluesky", "1"),
        PostRef("x", ""),
        PostRef("x", "0"),
        PostRef("x", "1/../../2"),
        PostRef("x", "1&url=https://example.org"),
        PostRef("x", "\u0661"),
        PostRef("x", "9" * 20),
    ],
)
async def test_what_is_no_id_of_x_is_not_asked_for(server: OEmbedServer, ref: PostRef) -> None:
    (error,) = await fetch(server, ref)
    assert isinstance(error, NotFoundError)
    assert not server.requests


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.UNAVAILABLE, Fault.TRUNCATED, Fault.LIMITED])
async def test_what_passes_is_tried_again(server: OEmbedServer, fault: Fault) -> None:
    server.faults = in_order([fault])
    assert await fetch(server, POSTS[0].ref) == [POSTS[0]]
    assert len(server.requests) == 2


async def test_an_answer_in_pieces_is_an_answer(server: OEmbedServer) -> None:
    server.faults = in_order([Fault.DRIPPED])
    assert await fetch(server, POSTS[0].ref) == [POSTS[0]]


async def test_a_page_in_place_of_an_answer_is_an_error(server: OEmbedServer) -> None:
    server.faults = in_order([Fault.NONSENSE])
    (error,) = await fetch(server, POSTS[0].ref)
    assert type(error) is SourceError
    assert "no JSON" in str(error)


async def test_no_answer_is_an_error_in_time(server: OEmbedServer) -> None:
    server.faults = lambda _: Fault.STALLED
    async with opened(server, seconds=0.5) as source:
        async with asyncio.timeout(15):
            errors = await source.fetch([known.ref for known in POSTS])
    assert {type(error) for error in errors} == {SourceTimeoutError}


@pytest.mark.usefixtures("one_try")
async def test_a_limit_is_kept_to(server: OEmbedServer) -> None:
    """A server that wants to be asked later than there is time isn't asked for every post."""
    server.faults = lambda _: Fault.LIMITED
    refs = [PostRef("x", str(ID + number)) for number in range(100)]
    async with opened(server) as source:
        errors = await source.fetch(refs)
    assert {type(error) for error in errors} == {QuotaExhaustedError}
    assert len(server.requests) <= 8


async def test_posts_come_while_every_third_answer_fails(server: OEmbedServer) -> None:
    server.faults = at_random(7, 0.3, [Fault.FAILED, Fault.TRUNCATED, Fault.DRIPPED])
    assert await fetch(server, *REFS * 10) == POSTS * 10


def reply(answer: object, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(answer).encode())


def test_the_answer_in_the_documentation_is_read() -> None:
    answer = {
        "url": "https://twitter.com/ella/status/463440424141459456",
        "author_name": "Ella",
        "author_url": "https://twitter.com/ella",
        "html": '<blockquote class="twitter-tweet"><p lang="en" dir="ltr">Sunsets &amp; more '
        '<a href="http://t.co/Y">pic.twitter.com/Y</a></p>&mdash; Ella (@ella) '
        '<a href="https://twitter.com/ella/status/463440424141459456">May 5, 2014</a></blockquote>',
        "width": 550,
        "height": None,
        "type": "rich",
        "cache_age": "3153600000",
        "provider_name": "Twitter",
        "version": "1.0",
    }
    ref = PostRef("x", "463440424141459456")
    assert read_answer(ref, reply(answer)) == Post(
        ref=ref,
        text="Sunsets & more http://t.co/Y",
        url="https://x.com/ella/status/463440424141459456",
        author_handle="ella",
        created_at=datetime(2014, 5, 5, 22, 9, 42, 79000, tzinfo=UTC),
    )


@pytest.mark.parametrize("author_url", [None, 1, "", "https://x.com/", "https://[", "x.com/a/b/c"])
def test_without_a_handle_the_post_is_still_one(author_url: object) -> None:
    answer = oembed_answer(POSTS[0]) | {"author_url": author_url}
    read = read_answer(POSTS[0].ref, reply(answer))
    assert read.author_handle is None
    assert read.url == f"https://x.com/i/web/status/{POSTS[0].ref.id}"


def test_a_post_without_text_is_an_error() -> None:
    answer = {"html": '<blockquote><p lang="zxx"></p>&mdash; Ella</blockquote>'}
    with pytest.raises(BadInputError, match="empty"):
        read_answer(POSTS[0].ref, reply(answer))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Reply(403, {}, b"<html>Access denied</html>"), "status 403"),
        (Reply(301, {"location": "https://elsewhere.example"}, b""), "SENTISERVE_OEMBED_URL"),
        (Reply(400, {}, b"{}"), "status 400"),
        (Reply(200, {}, b"[]"), "no post"),
    ],
)
def test_other_answers_are_the_sources_fault(answer: Reply, message: str) -> None:
    """A firewall's page above all doesn't make a post protected."""
    with pytest.raises(SourceError, match=message):
        read_answer(POSTS[0].ref, answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["html", "author_url", "url", "error"]) | st.text(), inner
        )
    ),
    max_leaves=8,
)
STATUSES = st.sampled_from([200, 200, 200, 204, 302, 400, 403, 404, 410, 451])


def check_some_answer(status: int, body: bytes) -> None:
    try:
        read = read_answer(POSTS[0].ref, Reply(status, {}, body))
    except SentiserveError as error:
        message = str(error)
    else:
        message = read.text
    assert message.strip()


@given(STATUSES, JSON)
def test_any_json_is_a_post_or_a_clear_error(status: int, answer: Any) -> None:
    check_some_answer(status, json.dumps(answer).encode())


@given(STATUSES, st.binary())
def test_any_bytes_are_a_post_or_a_clear_error(status: int, body: bytes) -> None:
    check_some_answer(status, body)


@given(st.text(), st.text())
def test_any_html_is_a_post_or_a_clear_error(html: str, text: str) -> None:
    check_some_answer(200, json.dumps({"html": html}).encode())
    check_some_answer(200, json.dumps({"html": f"<p>{escape(text)}"}).encode())


def test_the_settings_say_where_it_is(server: OEmbedServer) -> None:
    settings = Settings(oembed_url=server.url, x_mirrors=("nitter.example",))
    source = make_source("oembed", settings)
    assert isinstance(source, OEmbed)
    assert source.parse("https://nitter.example/a/status/1") == PostRef("x", "1")
    assert from_settings(Settings()).parse("https://nitter.example/a/status/1") is None


@pytest.mark.live
async def test_x_itself_gives_its_first_post() -> None:
    source = from_settings(Settings())
    await source.open()
    (first,) = await source.fetch([PostRef("x", "20")])
    await source.close()
    assert isinstance(first, Post)
    assert (first.author_handle, first.created_at) == ("jack", None)
