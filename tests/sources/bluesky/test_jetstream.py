"""Bluesky's live posts, from a stream on loopback that breaks as streams do."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import RedirectResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from structlog.testing import capture_logs

from sentiserve.errors import BadInputError, SourceError
from sentiserve.sources.bluesky.jetstream import Jetstream
from sentiserve.testing.bluesky_server import Account, BlueskyServer
from sentiserve.testing.bluesky_stream import microseconds
from sentiserve.testing.server import Fault, Server, in_order
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

SUNNY = FeedQuery(FeedKind.STREAM, ("Sunny",))
BEGINNING = "1"
PATIENCE = 60  # seconds; far more than needed, for busy machines


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as started:
        yield started


@pytest.fixture
def ada(server: BlueskyServer) -> Account:
    return server.add_account("ada.example.org")


async def read(
    server: Server,
    is_enough: Callable[[list[Page]], bool],
    query: FeedQuery = SUNNY,
    cursor: str | None = BEGINNING,
    *,
    interval: float = 0.2,
    silence: float = 20.0,
    tries: int = 4,
) -> list[Page]:
    """The pages until it is enough."""
    pages: list[Page] = []
    jetstream = Jetstream(server.url, interval=interval, silence=silence, pause=0.01, tries=tries)
    async with asyncio.timeout(PATIENCE), aclosing(jetstream.pages(query, cursor)) as stream:
        async for page in stream:
            pages.append(page)
            if is_enough(pages):
                break
    return pages


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)


def texts(pages: list[Page]) -> list[str]:
    return [post.text for page in pages for post in page.posts]


def deleted(pages: list[Page]) -> list[PostRef]:
    return [ref for page in pages for ref in page.deleted]


def until_text(text: str) -> Callable[[list[Page]], bool]:
    return lambda pages: text in texts(pages)


async def test_a_post_comes_as_it_was_written(server: BlueskyServer, ada: Account) -> None:
    """A post bears its author's id, for the stream knows no handles."""
    written = server.add_post(ada, "What a day! #sunny")
    (page,) = await read(server, until_text("What a day! #sunny"))
    assert page.posts == [
        Post(
            PostRef("bluesky", f"{written.rkey}@{ada.did}"),
            "What a day! #sunny",
            f"https://bsky.app/profile/{ada.did}/post/{written.rkey}",
            ada.did,
            None,
            written.seen_at,
        )
    ]


async def test_only_the_hashtags_asked_for_come(server: BlueskyServer, ada: Account) -> None:
    """In the text, marked in it or beside it, in any case; a part of one is another."""
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "sunny"}
    server.add_post(ada, "1 #SUNNY")
    server.add_post(ada, "no #sun #sunnyside sunny")
    server.add_post(ada, "2", facets=[{"index": {}, "features": [feature]}])
    server.add_post(ada, "no", facets=[{"features": [{"uri": "sunny"}, 7, None]}, "sunny"])
    server.add_post(ada, "3", tags=["Sunny"])
    server.add_post(ada, "")
    server.add_post(ada, "4 #sunny #end")
    assert texts(await read(server, until_text("4 #sunny #end"))) == [
        "1 #SUNNY",
        "2",
        "3",
        "4 #sunny #end",
    ]


async def test_several_hashtags_or_none(server: BlueskyServer, ada: Account) -> None:
    """Any one of the hashtags will do; without any, every post comes."""
    for text in ("a #sunny", "b #warm", "c"):
        server.add_post(ada, text)
    server.add_post(ada, "d #warm")
    both = FeedQuery(FeedKind.STREAM, ("sunny", "#warm"))
    assert texts(await read(server, until_text("d #warm"), both)) == [
        "a #sunny",
        "b #warm",
        "d #warm",
    ]
    everything = FeedQuery(FeedKind.STREAM)
    assert len(texts(await read(server, until_text("d #warm"), everything))) == 4


async def test_without_a_cursor_it_begins_now(server: BlueskyServer, ada: Account) -> None:
    """What was written before isn't asked for."""
    server.add_post(ada, "before #sunny")
    reading = asyncio.create_task(read(server, until_text("after #sunny"), cursor=None))
    await until(lambda: server.stream.listeners == 1)
    server.add_post(ada, "after #sunny")
    assert texts(await reading) == ["after #sunny"]


async def test_a_post_comes_at_once(server: BlueskyServer, ada: Account) -> None:
    """A page doesn't wait to be full, nor for its time to be up."""
    reading = asyncio.create_task(
        read(server, until_text("Quick #sunny"), cursor=None, interval=PATIENCE)
    )
    await until(lambda: server.stream.listeners == 1)
    server.add_post(ada, "slow")
    server.add_post(ada, "Quick #sunny")
    async with asyncio.timeout(PATIENCE / 4):
        await reading


async def test_what_has_come_makes_a_page(server: BlueskyServer, ada: Account) -> None:
    """Posts that are there already come together, a hundred at most to a page."""
    for number in range(250):
        server.add_post(ada, f"{number} #sunny")
    pages = await read(server, until_text("249 #sunny"))
    assert texts(pages) == [f"{number} #sunny" for number in range(250)]
    assert max(len(page.posts) for page in pages) <= 100
    assert len(pages) < 50


async def test_an_idle_stream_moves_the_cursor_on(server: BlueskyServer, ada: Account) -> None:
    """Where nothing is wanted of what is written, an empty page says how far it went."""
    for number in range(5):
        server.add_post(ada, f"{number}")
    (page,) = await read(server, lambda pages: True)
    assert page == Page([], [], page.cursor)
    assert page.cursor is not None
    assert int(page.cursor) > microseconds(datetime.now(UTC)) - 60_000_000


async def test_deletions_are_told(server: BlueskyServer, ada: Account) -> None:
    """Every post of Bluesky that is deleted is named: who reads knows which of them it has."""
    first, second = server.add_post(ada, "Oh #sunny"), server.add_post(ada, "Elsewhere")
    pages = await read(server, until_text("Oh #sunny"))
    server.delete(first)
    server.delete(second)
    more = await read(server, lambda pages: len(deleted(pages)) == 2, cursor=pages[-1].cursor)
    assert deleted(more) == [
        PostRef("bluesky", f"{post.rkey}@{ada.did}") for post in (first, second)
    ]
    assert texts(more) == []


async def test_a_post_deleted_at_once_never_comes(server: BlueskyServer, ada: Account) -> None:
    """Of a post that was there and gone within a page, only the deletion is left."""
    server.delete(server.add_post(ada, "Oh no"))
    everything = FeedQuery(FeedKind.STREAM)
    pages = await read(server, lambda pages: bool(deleted(pages)), everything)
    assert texts(pages[-1:]) == []


async def test_a_limit_ends_the_stream(server: BlueskyServer, ada: Account) -> None:
    """No more posts come than are needed, and the cursor leads to the others."""
    for number in range(5):
        server.add_post(ada, f"{number} #sunny")
    limited = FeedQuery(FeedKind.STREAM, ("sunny",), limit=2)
    first = await read(server, lambda pages: False, limited)
    second = await read(server, lambda pages: False, limited, first[-1].cursor)
    assert texts(first) + texts(second) == [f"{number} #sunny" for number in range(4)]


async def test_older_posts_are_left_out(server: BlueskyServer, ada: Account) -> None:
    """With a time, what claims to be written before it doesn't come."""
    server.add_post(ada, "old #sunny", created_at=datetime(2020, 1, 1, tzinfo=UTC))
    server.add_post(ada, "new #sunny")
    query = FeedQuery(FeedKind.STREAM, ("sunny",), since=datetime(2021, 1, 1, tzinfo=UTC))
    assert texts(await read(server, until_text("new #sunny"), query)) == ["new #sunny"]


async def test_every_post_comes_once_over_breaks(server: BlueskyServer, ada: Account) -> None:
    """However often the connection breaks, nothing is lost and nothing comes twice."""
    draw = random.Random(3)

    async def write() -> None:
        for number in range(200):
            server.add_post(ada, f"{number} #sunny" if number % 2 == 0 else f"{number}")
            if draw.random() < 0.1:
                server.stream.break_off()
            await asyncio.sleep(0.005)
        server.add_post(ada, "end #sunny")

    writing = asyncio.create_task(write())
    # On a slow machine any number of connections break before there was time for a post.
    pages = await read(server, until_text("end #sunny"), tries=1_000)
    await writing
    assert texts(pages) == [*(f"{number} #sunny" for number in range(0, 200, 2)), "end #sunny"]
    assert len(server.requests) > 5


async def test_every_post_comes_once_over_restarts(server: BlueskyServer, ada: Account) -> None:
    """Whoever stops anywhere and goes on with the last page's cursor misses nothing either."""
    for number in range(60):
        server.add_post(ada, f"{number} #sunny")
    found: list[str] = []
    cursor: str | None = BEGINNING
    while len(found) < 60:
        limited = FeedQuery(FeedKind.STREAM, ("sunny",), limit=7)
        pages = await read(server, lambda pages: True, limited, cursor)
        found, cursor = found + texts(pages), pages[-1].cursor
    assert found == [f"{number} #sunny" for number in range(60)]


async def test_a_break_reads_a_little_again(server: BlueskyServer, ada: Account) -> None:
    """After a break the stream is asked from some seconds before: servers' clocks differ."""
    server.add_post(ada, "one #sunny")
    latest = server.stream.tell(ada.did, "create", "later", {"text": "two #sunny"})

    def break_off_once(pages: list[Page]) -> bool:
        if "two #sunny" in texts(pages) and len(server.requests) == 1:
            server.stream.break_off()
            server.add_post(ada, "three #sunny")
        return "three #sunny" in texts(pages)

    pages = await read(server, break_off_once)
    assert texts(pages) == ["one #sunny", "two #sunny", "three #sunny"]
    assert int(server.requests[1][1]["cursor"]) == latest - 5_000_000


async def test_garbage_is_left_out(server: BlueskyServer, ada: Account) -> None:
    """A message that is none, or holds no post, costs only itself, and a line in the log."""
    event = {"did": ada.did, "time_us": 1, "kind": "commit"}
    far = microseconds(datetime.now(UTC) + timedelta(days=2))
    commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k"}
    garbage: list[object] = [
        {},
        [],
        7,
        event | {"time_us": "soon"},
        event | {"time_us": far, "kind": "identity"},
        event | {"commit": []},
        event | {"did": "nobody", "time_us": 2, "commit": commit | {"record": {"text": "#sunny"}}},
        event | {"time_us": 3, "commit": commit | {"record": {"text": 7}}},
        event | {"time_us": 4, "commit": commit},
        event | {"time_us": 5, "commit": commit | {"record": {"text": "#sunny"}, "rev": "9" * 65}},
    ]
    messages: list[str | bytes] = ["", "<html>", b"\xff\x00", "[" * 100_000]
    for message in messages + [json.dumps(message) for message in garbage]:
        server.stream.say(message)
    server.add_post(ada, "fine #sunny")
    with capture_logs() as logs:
        pages = await read(server, until_text("fine #sunny"))
    assert texts(pages) == ["fine #sunny"]
    assert len(server.requests) == 1
    left_out = [line["so_far"] for line in logs if line["event"] == "message left out"]
    assert left_out == [1, 10]


async def test_only_so_many_events_are_remembered(
    server: BlueskyServer, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told long ago may come again; the last ones may not."""
    monkeypatch.setattr("sentiserve.sources.bluesky.intake._REMEMBERED", 2)
    monkeypatch.setattr("sentiserve.testing.bluesky_stream.tid", lambda _: "the same revision")
    for rkey in ("a", "b", "c", "c", "b", "a", "end"):
        server.stream.tell(ada.did, "create", rkey, {"text": f"{rkey} #sunny"})
    told = texts(await read(server, until_text("end #sunny")))
    assert told == [f"{rkey} #sunny" for rkey in ("a", "b", "c", "a", "end")]


async def test_an_event_from_the_future_takes_no_cursor_there(
    server: BlueskyServer, ada: Account
) -> None:
    """A clock that goes before ours, or a lie, loses no post after a restart."""
    ahead = microseconds(datetime.now(UTC) + timedelta(minutes=50))
    server.stream.say(json.dumps({"did": ada.did, "time_us": ahead, "kind": "account"}))
    (page, *_) = await read(server, lambda pages: True)
    assert page.cursor is not None
    assert int(page.cursor) <= microseconds(datetime.now(UTC))
    server.add_post(ada, "Hello #sunny")
    again = await read(server, until_text("Hello #sunny"), cursor=page.cursor)
    assert texts(again) == ["Hello #sunny"]


async def test_other_events_move_the_cursor_only(server: BlueskyServer, ada: Account) -> None:
    """What is told of accounts, or of other collections, is no post."""
    now = microseconds(datetime.now(UTC))
    commit = {"operation": "create", "collection": "app.bsky.feed.like", "rkey": "3k", "record": {}}
    server.stream.say(json.dumps({"did": ada.did, "time_us": now, "kind": "account"}))
    like = {"did": ada.did, "time_us": now + 1, "kind": "commit", "commit": commit}
    server.stream.say(json.dumps(like))
    pages = await read(server, lambda pages: pages[-1].cursor == str(now + 1))
    assert texts(pages) == []


async def test_a_huge_message_is_never_taken_in(server: BlueskyServer, ada: Account) -> None:
    """A server that insists on it is given up, with an error."""
    server.stream.say("x" * (2 << 20))
    with pytest.raises(SourceError, match="nothing new"):
        await read(server, lambda pages: False)


async def test_silence_is_noticed(server: BlueskyServer, ada: Account) -> None:
    """A connection that stands while nothing comes is given up, and made anew."""
    server.stream.is_silent = True
    with capture_logs() as logs:
        reading = asyncio.create_task(read(server, until_text("Hello #sunny"), silence=1.0))
        await until(lambda: len(server.requests) >= 2)
        server.add_post(ada, "Hello #sunny")
        server.stream.is_silent = False
        assert texts(await reading) == ["Hello #sunny"]
    broken = [line["reason"] for line in logs if line["event"] == "the stream broke off"]
    assert set(broken) == {"fell silent"}


async def test_garbage_is_no_sign_of_life(server: BlueskyServer) -> None:
    """A server that has come to say nothing but nonsense is given up in the end."""

    async def babble() -> None:
        while True:
            server.stream.say("nonsense")
            await asyncio.sleep(0.02)

    babbling = asyncio.create_task(babble())
    with pytest.raises(SourceError, match="fell silent; 4 connections"):
        await read(server, lambda pages: False, silence=0.2)
    babbling.cancel()


@pytest.mark.parametrize(
    "fault", [Fault.FAILED, Fault.UNAVAILABLE, Fault.LIMITED, Fault.TRUNCATED, Fault.NONSENSE]
)
async def test_passing_faults_are_overcome(
    server: BlueskyServer, ada: Account, fault: Fault
) -> None:
    """What goes wrong with a connection is tried again."""
    server.add_post(ada, "Hello #sunny")
    server.faults = in_order([fault, fault])
    assert texts(await read(server, until_text("Hello #sunny"))) == ["Hello #sunny"]
    assert len(server.requests) == 3


async def test_lasting_faults_end_the_stream(server: BlueskyServer) -> None:
    """After some connections without anything new there is an error that says so."""
    server.faults = lambda _: Fault.UNAVAILABLE
    with pytest.raises(SourceError, match="status 503; 4 connections"):
        await read(server, lambda pages: False)
    assert len(server.requests) == 4


async def test_a_server_that_isnt_there_is_an_error(server: BlueskyServer) -> None:
    """A port where nobody listens is tried again, and then is an error."""
    server.url = "http://127.0.0.1:1"
    with pytest.raises(SourceError, match="connections gave nothing new"):
        await read(server, lambda pages: False)


async def test_a_refusal_isnt_tried_again() -> None:
    """A server without a stream there says so at once; that won't change."""
    with Server([]) as server, pytest.raises(SourceError, match="403"):
        await read(server, lambda pages: False)


async def test_nobody_is_led_elsewhere(server: BlueskyServer) -> None:
    """A redirect is a refusal: only the address in the settings is asked."""

    async def redirect(socket: WebSocket) -> None:
        await socket.send_denial_response(RedirectResponse(f"{server.url}/subscribe"))

    elsewhere = Server([WebSocketRoute("/subscribe", redirect)])
    with elsewhere, pytest.raises(SourceError, match="307"):
        await read(elsewhere, lambda pages: False)
    assert server.requests == []


@pytest.mark.parametrize("cursor", ["", "soon", "-1", "1.5", "9" * 16, "9" * 5_000, "١٢"])
async def test_what_is_no_cursor_is_refused(server: BlueskyServer, cursor: str) -> None:
    """A cursor of something else, or from the future, would lose posts."""
    with pytest.raises(BadInputError, match="cursor"):
        await read(server, lambda pages: False, cursor=cursor)
    assert server.requests == []


async def test_missed_posts_are_told(server: BlueskyServer, ada: Account) -> None:
    """A stream that no longer goes back as far as the cursor leaves a line in the log."""
    server.add_post(ada, "Hello #sunny")
    cursor = microseconds(datetime.now(UTC) - timedelta(days=3))
    with capture_logs() as logs:
        await read(server, until_text("Hello #sunny"), cursor=str(cursor))
    assert [line["event"] for line in logs] == ["posts may have been missed"]


async def test_an_edited_post_comes_again(server: BlueskyServer, ada: Account) -> None:
    """A record that is put anew is the same post with its new text."""
    server.stream.tell(ada.did, "create", "3k", {"text": "one #sunny"})
    server.stream.tell(ada.did, "update", "3k", {"text": "two #sunny"})
    pages = await read(server, until_text("two #sunny"))
    posts = [post for page in pages for post in page.posts]
    assert {post.ref for post in posts} == {PostRef("bluesky", f"3k@{ada.did}")}
