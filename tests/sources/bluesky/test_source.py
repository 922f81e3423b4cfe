"""Posts of Bluesky, asked of a server on loopback that speaks as Bluesky does."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route
from structlog.testing import capture_logs

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
from sentiserve.settings import load_settings
from sentiserve.sources.bluesky.jetstream import Jetstream
from sentiserve.sources.bluesky.source import Bluesky
from sentiserve.sources.registry import make_source
from sentiserve.testing import FeedContract, SourceContract
from sentiserve.testing.bluesky_server import Account, BlueskyServer, Written
from sentiserve.testing.bluesky_stream import tid
from sentiserve.testing.server import Fault, Server, at_random, in_order
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

NOON = datetime(2026, 5, 25, 12, tzinfo=UTC)
ADA = "ada.example.org"
PUBLIC, HIDDEN = Account(ADA), "!no-unauthenticated"


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as started:
        yield started


@pytest.fixture
def ada(server: BlueskyServer) -> Account:
    return server.add_account(ADA)


def make(server: BlueskyServer, patience: float = 30.0) -> Bluesky:
    source = make_source(
        "bluesky",
        load_settings(bluesky_url=server.url, jetstream_url=server.url, source_timeout=patience),
    )
    assert isinstance(source, Bluesky)
    return source


@asynccontextmanager
async def opened(server: BlueskyServer, patience: float = 30.0) -> AsyncIterator[Bluesky]:
    source = make(server, patience)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def fetch(
    server: BlueskyServer, *ids: str, patience: float = 30.0
) -> Sequence[Post | SentiserveError]:
    async with opened(server, patience) as source:
        return await source.fetch([PostRef("bluesky", post_id) for post_id in ids])


async def pages(server: BlueskyServer, query: FeedQuery, cursor: str | None = None) -> list[Page]:
    async with opened(server) as source:
        return [page async for page in source.pages(query, cursor)]


def key(post: Written, actor: str = ADA) -> str:
    return f"{post.rkey}@{actor}"


def post_by_ada(number: int, actor: str = ADA) -> Post:
    """The post of that number, as a source must give it."""
    written_at = NOON + timedelta(minutes=number)
    return Post(
        PostRef("bluesky", f"{tid(written_at)}@{actor}"),
        f"Day {number} by the lake. #sunny & #warm",
        f"https://bsky.app/profile/{ADA}/post/{tid(written_at)}",
        PUBLIC.did,
        ADA,
        written_at,
    )


def with_posts(server: BlueskyServer, count: int) -> BlueskyServer:
    ada = server.add_account(ADA)
    for number in range(count):
        post = post_by_ada(number)
        server.add_post(ada, post.text, created_at=post.created_at)
    return server


class OnServer:
    """What a contract is proved on."""

    @pytest.fixture(autouse=True)
    def _start(self) -> Iterator[None]:
        with BlueskyServer(page_size=3, search="all") as server:
            self.server = with_posts(server, 8)
            yield

    def make_source(self, tmp_path: Path) -> Bluesky:
        return make(self.server)

    make_feed = make_source


class TestByHandle(OnServer, SourceContract):
    known = [(post_by_ada(n).url or "", post_by_ada(n)) for n in (0, 1)]
    missing_url = f"https://bsky.app/profile/{ADA}/post/{tid(NOON - timedelta(days=1))}"


class TestByDid(OnServer, SourceContract):
    known = [
        (f"at://{PUBLIC.did}/app.bsky.feed.post/{tid(NOON)}", post_by_ada(0, PUBLIC.did)),
        (
            f"https://bsky.app/profile/{PUBLIC.did}/post/{tid(NOON + timedelta(minutes=1))}",
            post_by_ada(1, PUBLIC.did),
        ),
    ]
    missing_url = f"at://{PUBLIC.did}/app.bsky.feed.post/never"


class TestUserFeed(OnServer, FeedContract):
    query = FeedQuery(FeedKind.USER, (ADA,))
    posts = [post_by_ada(number) for number in reversed(range(8))]


class TestTagFeed(OnServer, FeedContract):
    query = FeedQuery(FeedKind.TAG, ("Sunny",))
    posts = [post_by_ada(number) for number in reversed(range(8))]


async def test_a_deleted_post_is_told_from_one_that_never_was(
    server: BlueskyServer, ada: Account
) -> None:
    """A key that tells a time in the past may have been a post; any other never was."""
    deleted = server.add_post(ada, "Oh no")
    server.delete(deleted)
    future = tid(datetime.now(UTC) + timedelta(days=2))
    gone, *never = await fetch(server, key(deleted), f"{future}@{ADA}", f"first-post@{ADA}")
    assert type(gone) is PostDeletedError
    assert [type(error) for error in never] == [NotFoundError, NotFoundError]


@pytest.mark.parametrize(
    "ref",
    [
        PostRef("x", "123"),
        PostRef("mastodon", "1@mastodon.social"),
        PostRef("bluesky", "3k"),
        PostRef("bluesky", "3k@"),
        PostRef("bluesky", f"@{ADA}"),
        PostRef("bluesky", f"..@{ADA}"),
        PostRef("bluesky", "3k@ada"),
        PostRef("bluesky", "3k@did:web:../../admin"),
        PostRef("bluesky", "3k@did:plc:short"),
        PostRef("bluesky", f"3k\n@{PUBLIC.did}"),
        PostRef("bluesky", f"3k@{PUBLIC.did}\n"),
    ],
)
async def test_what_can_be_no_post_is_not_found_without_asking(
    server: BlueskyServer, ref: PostRef
) -> None:
    """References of other platforms, and broken ones, cost no request for a post."""
    async with opened(server) as source:
        (error,) = await source.fetch([ref])
    assert isinstance(error, NotFoundError)
    assert all(path.endswith("resolveHandle") for path, _ in server.requests)


async def test_an_unknown_handle_is_not_found(server: BlueskyServer) -> None:
    """Nobody of that name: no such post."""
    (error,) = await fetch(server, "3k@nobody.example.org")
    assert type(error) is NotFoundError
    assert "nobody.example.org" in str(error)


async def test_a_post_for_signed_in_people_is_protected(server: BlueskyServer) -> None:
    """The label by which an author asks for that is honoured, by address and in lists."""
    shy = server.add_account("shy.example.org", HIDDEN)
    (error,) = await fetch(server, key(server.add_post(shy, "Psst"), shy.handle))
    assert type(error) is PostProtectedError
    with pytest.raises(PostProtectedError, match="signed in"):
        await pages(server, FeedQuery(FeedKind.USER, (shy.handle,)))


async def test_a_post_of_pictures_alone_is_refused(server: BlueskyServer, ada: Account) -> None:
    """Without a text there is nothing to classify, and the error says so."""
    (error,) = await fetch(server, key(server.add_post(ada, " ")))
    assert type(error) is BadInputError
    assert "no text" in str(error)


async def test_texts_stay_as_they_are(server: BlueskyServer, ada: Account) -> None:
    """Bluesky's texts are plain: nothing in them is markup."""
    (post,) = await fetch(server, key(server.add_post(ada, "Tom &amp; <b>I</b>\nat home")))
    assert isinstance(post, Post)
    assert post.text == "Tom &amp; <b>I</b>\nat home"


@pytest.mark.parametrize("claimed", ["2126-01-01T00:00:00Z", "soon", None, 7, "0001-01-01T00:00"])
async def test_an_absurd_time_is_replaced(
    server: BlueskyServer, ada: Account, claimed: object
) -> None:
    """Devices claim any time; then it counts when Bluesky saw the post."""
    (post,) = await fetch(server, key(server.add_post(ada, "Hello", createdAt=claimed)))
    assert isinstance(post, Post)
    assert post.created_at is not None
    assert abs(post.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_handle_that_leads_nowhere_is_left_out(server: BlueskyServer) -> None:
    """An account whose handle Bluesky doesn't believe goes by its id."""
    lost = server.add_account("handle.invalid")
    post = server.add_post(lost, "Where am I?")
    (found,) = await fetch(server, key(post, lost.did))
    assert isinstance(found, Post)
    assert (found.author_id, found.author_handle) == (lost.did, None)
    assert found.url == f"https://bsky.app/profile/{lost.did}/post/{post.rkey}"


async def test_only_so_many_handles_are_remembered(
    server: BlueskyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was used longest ago is forgotten first."""
    monkeypatch.setattr("sentiserve.sources.bluesky.source._MOST_HANDLES", 2)
    posts = [server.add_post(server.add_account(f"{name}.example"), "Hello") for name in "abc"]
    async with opened(server) as source:
        for post in [*posts, posts[2], posts[0]]:
            await source.fetch([PostRef("bluesky", f"{post.rkey}@{post.author.handle}")])
    asked = [query["handle"][0] for path, query in server.requests if "resolveHandle" in path]
    assert asked == ["a", "b", "c", "a"]


async def test_many_posts_are_asked_for_together(server: BlueskyServer) -> None:
    """At most 25 posts to a call, and each handle once."""
    with_posts(server, 60)
    found = await fetch(server, *(post_by_ada(number).ref.id for number in range(60)))
    assert found == [post_by_ada(number) for number in range(60)]
    paths = [path.rpartition(".")[2] for path, _ in server.requests]
    assert paths == ["resolveHandle", "getPosts", "getPosts", "getPosts"]


async def test_fetches_at_the_same_time_share_calls(server: BlueskyServer) -> None:
    """Who asks while others ask goes along with them."""
    with_posts(server, 20)
    async with opened(server) as source:
        answers = await asyncio.gather(
            *(source.fetch([post_by_ada(number % 20).ref]) for number in range(200))
        )
    assert [post for (post,) in answers] == [post_by_ada(number % 20) for number in range(200)]
    assert len(server.requests) < 10


async def test_who_leaves_disturbs_nobody(server: BlueskyServer) -> None:
    """Of two who ask for the same post, the one who stays gets it."""
    with_posts(server, 1)
    async with opened(server) as source:
        leaving = asyncio.create_task(source.fetch([post_by_ada(0).ref]))
        staying = asyncio.create_task(source.fetch([post_by_ada(0).ref]))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == [post_by_ada(0)]


async def test_closing_ends_what_is_under_way(server: BlueskyServer) -> None:
    """Who still waits when the source is closed gets an error, and isn't left waiting."""
    server.faults = lambda _: Fault.STALLED
    async with opened(server) as source:
        waiting = asyncio.create_task(source.fetch([PostRef("bluesky", f"3k@{PUBLIC.did}")]))
        await asyncio.sleep(0.1)
    (error,) = await waiting
    assert type(error) is SourceError


async def test_a_list_holds_what_the_account_wrote(server: BlueskyServer, ada: Account) -> None:
    """Replies are there; reposts, and posts without text, are not."""
    bea = server.add_account("bea.example.org")
    other = server.add_post(bea, "By somebody else")
    server.add_post(ada, "Mine")
    server.add_post(ada, "")
    server.add_post(ada, "I agree", reply={"root": {"uri": other.uri}, "parent": {}})
    server.add_repost(ada, other)
    found = [page.posts for page in await pages(server, FeedQuery(FeedKind.USER, (f"@{ADA}",)))]
    assert [post.text for posts in found for post in posts] == ["I agree", "Mine"]


async def test_reposts_dont_use_a_limit_up(server: BlueskyServer, ada: Account) -> None:
    """As many posts come as are needed, however many reposts lie between."""
    post = server.add_post(ada, "Mine")
    server.add_post(ada, "Mine, too")
    for _ in range(5):
        server.add_repost(ada, post)
    found = await pages(server, FeedQuery(FeedKind.USER, (ADA,), limit=2))
    assert [post.text for page in found for post in page.posts] == ["Mine, too", "Mine"]


async def test_a_list_goes_by_id_too(server: BlueskyServer, ada: Account) -> None:
    """An account may be named by its id; posts are named by its handle all the same."""
    server.add_post(ada, "Mine", created_at=NOON)
    found = await pages(server, FeedQuery(FeedKind.USER, (ada.did,)))
    assert found[0].posts[0].ref == PostRef("bluesky", f"{tid(NOON)}@{ADA}")


async def test_an_unknown_account_is_not_found(server: BlueskyServer) -> None:
    """A list of nobody is a clear error."""
    with pytest.raises(NotFoundError, match="account"):
        await pages(server, FeedQuery(FeedKind.USER, ("nobody.example.org",)))


@pytest.mark.parametrize(
    ("kind", "names", "says"),
    [
        (FeedKind.USER, ("ada",), "in full"),
        (FeedKind.USER, ("",), "in full"),
        (FeedKind.USER, (), "one account"),
        (FeedKind.USER, (ADA, ADA), "one account"),
        (FeedKind.TAG, ("two words",), "one word"),
        (FeedKind.TAG, ("2026",), "letter"),
        (FeedKind.STREAM, ("two words",), "one word"),
        (FeedKind.HOME, (), "user"),
    ],
)
async def test_a_name_that_cant_be_used_is_refused(
    server: BlueskyServer, kind: FeedKind, names: tuple[str, ...], says: str
) -> None:
    """The error says what to name instead, and nothing is asked."""
    with pytest.raises(BadInputError, match=says):
        await pages(server, FeedQuery(kind, names))
    assert server.requests == []


@pytest.mark.parametrize("cursor", ["12:7", "nonsense"])
async def test_a_foreign_cursor_is_refused(
    server: BlueskyServer, ada: Account, cursor: str
) -> None:
    """Only Bluesky knows its cursors; what it refuses is an error that names the cursor."""
    with pytest.raises(BadInputError, match="cursor"):
        await pages(server, FeedQuery(FeedKind.USER, (ADA,)), cursor)


async def test_a_refused_search_leads_to_the_stream(server: BlueskyServer) -> None:
    """Without signing in a search is often refused; the error says what works."""
    with pytest.raises(SourceError, match="ingest stream"):
        await pages(server, FeedQuery(FeedKind.TAG, ("sunny",)))


async def test_a_search_that_is_cut_off_ends_and_says_so() -> None:
    """Only its first page is to be had, and who goes on from there would never get another."""
    query = FeedQuery(FeedKind.TAG, ("warm",))
    with BlueskyServer(page_size=3, search="first") as server, capture_logs() as logs:
        with_posts(server, 5)
        (page,) = await pages(server, query)
        assert len(page.posts) == 3
        assert await pages(server, query, page.cursor) == []
    assert [log["log_level"] for log in logs] == ["warning", "warning"]
    assert "ingest stream" in logs[0]["reason"]


async def test_a_list_that_repeats_itself_ends() -> None:
    """A server that gives the same cursor again and again is at fault, and isn't followed."""
    answer = JSONResponse({"feed": [], "cursor": "again"})
    with Server([Route("/xrpc/app.bsky.feed.getAuthorFeed", lambda _: answer)]) as server:
        source = Bluesky(server.url, Jetstream(server.url), timeout=30)
        await source.open()
        with pytest.raises(SourceError, match="same page"):
            async for _ in source.pages(FeedQuery(FeedKind.USER, (ADA,))):
                pass
        await source.close()
        assert len(server.requests) == 2


async def test_rate_limits_are_kept(server: BlueskyServer) -> None:
    """Where the limit is renewed too late to wait, the error says when that is."""
    server.requests_left, server.resets_at = 0, time.time() + 200
    (error,) = await fetch(server, f"3k@{PUBLIC.did}")
    assert isinstance(error, QuotaExhaustedError)
    assert error.retry_after is not None
    assert 190 < error.retry_after < 210
    assert len(server.requests) == 1


async def test_a_short_rate_limit_is_waited_for(server: BlueskyServer) -> None:
    """Where the limit is renewed in time, the post comes a little later."""
    with_posts(server, 1)
    server.requests_left, server.resets_at = 1, time.time()
    assert await fetch(server, post_by_ada(0).ref.id) == [post_by_ada(0)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.FAILED, SourceError),
        (Fault.UNAVAILABLE, SourceError),
        (Fault.LIMITED, QuotaExhaustedError),
        (Fault.NONSENSE, SourceError),
        (Fault.TRUNCATED, SourceError),
        (Fault.STALLED, SourceTimeoutError),
    ],
)
@pytest.mark.usefixtures("one_try")
async def test_every_fault_is_a_clear_error(
    server: BlueskyServer, fault: Fault, error: type[SentiserveError]
) -> None:
    """Whatever goes wrong for good is the source's fault, and is never taken for a deletion."""
    server.faults = lambda _: fault
    patience = 0.4 if fault is Fault.STALLED else 60.0
    (answer,) = await fetch(server, f"{tid(NOON)}@{PUBLIC.did}", patience=patience)
    assert type(answer) is error


async def test_passing_faults_are_overcome(server: BlueskyServer) -> None:
    """What goes wrong once is tried again."""
    with_posts(server, 1)
    server.faults = in_order([Fault.FAILED, Fault.TRUNCATED, Fault.UNAVAILABLE, Fault.DRIPPED])
    assert await fetch(server, post_by_ada(0).ref.id) == [post_by_ada(0)]


async def test_faults_lead_to_no_wrong_post(server: BlueskyServer) -> None:
    """With one in three answers spoilt, each post is right or a fault of the source."""
    with_posts(server, 30)
    kinds = [Fault.FAILED, Fault.TRUNCATED, Fault.NONSENSE]
    server.faults = at_random(7, 0.3, kinds)
    async with opened(server, patience=1.0) as source:
        for number in range(30):
            (found,) = await source.fetch([post_by_ada(number).ref])
            assert found == post_by_ada(number) or isinstance(found, SourceError)


@pytest.mark.live
async def test_bluesky_itself_answers() -> None:
    """The real service knows its own account's handle, and gives its posts."""
    source = make_source("bluesky", load_settings())
    assert isinstance(source, Bluesky)
    await source.open()
    try:
        async for page in source.pages(FeedQuery(FeedKind.USER, ("bsky.app",), limit=5)):
            assert await source.fetch([post.ref for post in page.posts]) == list(page.posts)
    finally:
        await source.close()
