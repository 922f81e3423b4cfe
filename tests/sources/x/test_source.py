"""X's API as a source: what every source does, and what X's rules and prices ask of this one."""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from x_api import APP, ELLA, POSTS, TOM, USER, USERS, as_post, at, make, opened, refs, settings

from sentiserve.errors import (
    BadInputError,
    BudgetExhaustedError,
    NotFoundError,
    OtherPlatformError,
    PostDeletedError,
    PostProtectedError,
    QuotaExhaustedError,
    SentiserveError,
    SettingsError,
    SourceError,
    SourceRefusedError,
    SourceTimeoutError,
)
from sentiserve.settings import load_settings
from sentiserve.sources.chain import Chain
from sentiserve.sources.registry import make_source
from sentiserve.sources.x.source import X
from sentiserve.testing import FeedContract, SourceContract
from sentiserve.testing.server import Fault, in_order
from sentiserve.testing.x_answers import PROBLEMS, XPost
from sentiserve.testing.x_server import LIMITS, XServer
from sentiserve.types import FeedKind, FeedQuery, Post, PostRef

LONG = XPost(at(30), TOM, "A long post: " + "very " * 100 + "good & <done>")
RETWEET = XPost(at(29), ELLA, retweeted=LONG.id)
KNOWN = (POSTS[0], POSTS[1], LONG)


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer([*POSTS, LONG, RETWEET], USERS) as started:
        yield started


class OnServer:
    """Contracts whose source reads from a server of each test."""

    server: XServer
    page_size = 4
    fields = "tweet"

    @pytest.fixture(autouse=True)
    def _with_server(self) -> Iterator[None]:
        with XServer([*POSTS, LONG, RETWEET], USERS, page_size=self.page_size) as self.server:
            yield

    def make_source(self, tmp_path: Path) -> X:
        return make(self.server, tmp_path, fields=self.fields)

    make_feed = make_source


class TestX(OnServer, SourceContract):
    known = [(f"https://twitter.com/who/status/{post.id}?s=20", as_post(post)) for post in KNOWN]
    missing_url = f"https://x.com/ella/status/{at(40)}"
    unknown_url = "https://bsky.app/profile/ella.example/post/3k"


class TestXByPostFields(TestX):
    fields = "post"


class TestUser(OnServer, FeedContract):
    query = FeedQuery(FeedKind.USER, ("@Ella",))
    posts = [as_post(post) for post in reversed(POSTS)] + [as_post(RETWEET, LONG.text)]


class TestUserByPostFields(TestUser):
    fields = "post"


class TestHome(OnServer, FeedContract):
    query = FeedQuery(FeedKind.HOME)
    posts = [*TestUser.posts, as_post(LONG)]


class TestHashtag(OnServer, FeedContract):
    query = FeedQuery(FeedKind.TAG, ("tea",))
    posts = [as_post(post) for post in reversed(POSTS)]


async def fetch(source: X, *ids: str) -> list[Post | SentiserveError]:
    return await source.fetch([PostRef("x", each) for each in ids])


@pytest.mark.parametrize("fields", ["tweet", "post"])
async def test_a_long_post_is_whole_also_as_a_retweet(
    server: XServer, tmp_path: Path, fields: str
) -> None:
    """The retweet's author is who retweeted, its text all that was retweeted."""
    async with opened(server, tmp_path, fields=fields) as source:
        assert await source.fetch(refs([LONG, RETWEET])) == [
            as_post(LONG),
            as_post(RETWEET, LONG.text),
        ]


async def test_a_retweet_of_what_is_gone_says_what_is_left(server: XServer, tmp_path: Path) -> None:
    del server.posts[LONG.id]
    async with opened(server, tmp_path) as source:
        (post,) = await source.fetch(refs([RETWEET]))
    assert isinstance(post, Post)
    assert post.text.startswith("RT @")


async def test_an_edited_post_says_what_it_says_now(server: XServer, tmp_path: Path) -> None:
    """It stays the post that was asked for; only what was edited is read again."""
    first, last = at(2), at(1.9)
    history = (first, last)
    server.posts[first] = XPost(first, ELLA, "I like tee", history=history)
    server.posts[last] = XPost(last, ELLA, "I like tea", history=history)
    async with opened(server, tmp_path) as source:
        (alone,) = await fetch(source, first)
        assert server.reads == {first: 1, last: 1}
        old, new, other = await fetch(source, first, last, POSTS[0].id)
    assert alone == old == as_post(server.posts[first], "I like tea")
    assert new == as_post(server.posts[last])
    assert other == as_post(POSTS[0])
    assert server.reads == {first: 2, last: 2, POSTS[0].id: 1}


async def test_what_an_edited_post_said_before_is_no_answer(
    server: XServer, tmp_path: Path
) -> None:
    """It would be remembered as what it says."""
    first, last = at(2), at(1.9)
    server.posts[first] = XPost(first, ELLA, "I like tee", history=(first, last))
    server.posts[last] = XPost(last, ELLA, "I like tea", history=(first, last))
    async with opened(server, tmp_path, daily_reads=1) as source:
        (error,) = await fetch(source, first)
    assert isinstance(error, BudgetExhaustedError)


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        ("resource-not-found", PostDeletedError),
        ("not-authorized-for-resource", PostProtectedError),
        ("resource-unavailable", NotFoundError),
    ],
)
async def test_what_x_does_not_show_is_an_error_in_its_place(
    server: XServer, tmp_path: Path, problem: str, error: type[SentiserveError]
) -> None:
    server.posts[POSTS[1].id] = replace(POSTS[1], problem=problem)
    async with opened(server, tmp_path) as source:
        first, hidden, last = await source.fetch(refs(POSTS[:3]))
    assert (first, last) == (as_post(POSTS[0]), as_post(POSTS[2]))
    assert type(hidden) is error


async def test_what_cannot_be_on_x_is_not_asked_for(server: XServer, tmp_path: Path) -> None:
    """Other platforms' posts, ids of the future and what is no id cost nothing."""
    asked = [
        PostRef("bluesky", POSTS[0].id),
        PostRef("x", at(-48)),
        PostRef("x", "0"),
        PostRef("x", "9" * 19),
        PostRef("x", "9" * 5_000),
        PostRef("x", "1,2"),
        PostRef("x", "\u0661"),
    ]
    async with opened(server, tmp_path) as source:
        errors = await source.fetch(asked)
    kinds = [type(error) for error in errors]
    assert kinds == [OtherPlatformError] + [NotFoundError] * (len(asked) - 1)
    assert server.requests == []


@pytest.mark.parametrize("silent", ["created_at", "author_id"])
async def test_a_field_that_x_leaves_out_silently_is_an_error(
    server: XServer, tmp_path: Path, silent: str
) -> None:
    server.silent.add(silent)
    async with opened(server, tmp_path) as source:
        (error,) = await source.fetch(refs(POSTS[:1]))
        assert isinstance(error, SourceRefusedError)
        assert silent in str(error)
        assert "SENTISERVE_X_FIELDS" in str(error)
        with pytest.raises(SourceRefusedError, match=silent):
            [page async for page in source.pages(FeedQuery(FeedKind.USER, ("ella",)))]


@pytest.mark.parametrize(
    ("problem", "error", "says"),
    [
        ("unauthorized", SourceRefusedError, "set SENTISERVE_X_BEARER_TOKEN"),
        ("credits", BudgetExhaustedError, "credits"),
        ("usage-capped", BudgetExhaustedError, "Monthly product cap"),
        ("client-forbidden", SourceRefusedError, "SENTISERVE_X_BEARER_TOKEN.*must be in a project"),
        ("unsupported-authentication", SourceRefusedError, "another kind of token"),
        ("too-many-requests", QuotaExhaustedError, "less often"),
        ("too-many-requests-before", QuotaExhaustedError, "less often"),
    ],
)
async def test_each_refusal_says_what_to_do(
    server: XServer, tmp_path: Path, problem: str, error: type[SentiserveError], says: str
) -> None:
    """A refusal is the error of each post, and is not tried again; nothing is spent."""
    server.refusal = PROBLEMS[problem]
    async with opened(server, tmp_path, daily_reads=2) as source:
        for _ in range(3):
            refused = await source.fetch(refs(POSTS[:2]))
            assert [type(each) for each in refused] == [type(refused[0])] * 2
            assert isinstance(refused[0], error)
            with pytest.raises(type(refused[0]), match=says):
                raise refused[0]
    assert isinstance(refused[0], BudgetExhaustedError) == (error is BudgetExhaustedError)


async def test_a_redirection_is_not_followed_and_ends_it(server: XServer, tmp_path: Path) -> None:
    server.refusal = (302, {})
    async with opened(server, tmp_path) as source:
        (error,) = await source.fetch(refs(POSTS[:1]))
    assert isinstance(error, SourceRefusedError)
    assert "SENTISERVE_X_URL" in str(error)


def test_a_home_timeline_without_a_users_token_is_refused_with_its_setting(
    server: XServer, tmp_path: Path
) -> None:
    chain = Chain({"x": make(server, tmp_path, user=False)}, timeout=1)
    with pytest.raises(BadInputError, match="from x; .*needs SENTISERVE_X_USER_TOKEN"):
        chain.feed(FeedKind.HOME)


async def test_problems_beside_no_data_are_errors_too(server: XServer, tmp_path: Path) -> None:
    """Status 200 doesn't mean that there is nothing wrong."""
    server.refusal = (200, {"errors": [PROBLEMS["usage-capped"][1]]})
    async with opened(server, tmp_path) as source:
        (error,) = await source.fetch(refs(POSTS[:1]))
    assert isinstance(error, BudgetExhaustedError)


@pytest.mark.parametrize("body", [{}, [], None, 7, {"data": "?"}, {"data": [{"id": 1}]}])
async def test_an_answer_of_another_shape_is_an_error(
    server: XServer, tmp_path: Path, body: Any
) -> None:
    server.refusal = (200, body)
    async with opened(server, tmp_path) as source:
        (error,) = await source.fetch(refs(POSTS[:1]))
        assert isinstance(error, SentiserveError)
        with pytest.raises(SentiserveError):
            [page async for page in source.pages(FeedQuery(FeedKind.USER, ("ella",)))]


async def test_without_requests_left_none_is_made(tmp_path: Path) -> None:
    """X's headers say so; the next window begins with a request again."""
    limits = {**LIMITS, "lookup": (2, 0)}
    with XServer(POSTS, USERS, limits=limits, window=2) as server:
        async with opened(server, tmp_path) as source:
            for post in POSTS[:2]:
                assert await source.fetch(refs([post])) == [as_post(post)]
            (error,) = await source.fetch(refs(POSTS[2:3]))
            assert type(error) is QuotaExhaustedError
            assert error.retry_after in {1, 2}
            assert len(server.requests) == 2
            await asyncio.sleep(error.retry_after)
            assert await source.fetch(refs(POSTS[2:3])) == [as_post(POSTS[2])]


async def test_a_limit_used_up_by_others_is_learnt_from_the_refusal(tmp_path: Path) -> None:
    """Another process asked too: after one status 429 there are no more requests."""
    limits = {**LIMITS, "lookup": (1, 0)}
    with XServer(POSTS, USERS, limits=limits) as server:
        async with opened(server, tmp_path) as other:
            await other.fetch(refs(POSTS[:1]))
        async with opened(server, tmp_path) as source:
            for _ in range(3):
                (error,) = await source.fetch(refs(POSTS[:1]))
                assert isinstance(error, QuotaExhaustedError)
                assert 890 <= (error.retry_after or 0) <= 900
        assert len(server.requests) == 2


async def test_fetches_at_the_same_time_share_requests(tmp_path: Path) -> None:
    """A thousand of a post each are ten requests, or a few more; no post is read twice."""
    posts = [XPost(at(100 + n / 100), TOM, f"Post {n}") for n in range(1_000)]
    with XServer(posts, USERS) as server:
        async with opened(server, tmp_path) as source:
            found = await asyncio.gather(*(source.fetch([ref]) for ref in refs(posts)))
        assert [post for (post,) in found] == [as_post(post) for post in posts]
        assert 10 <= len(server.requests) <= 20
        assert server.reads.total() == 1_000


async def test_one_post_asked_for_by_many_is_read_once(server: XServer, tmp_path: Path) -> None:
    """Also by those who come while it is on its way."""
    server.faults = in_order([Fault.DRIPPED])
    async with opened(server, tmp_path) as source:
        first = asyncio.create_task(source.fetch(refs(POSTS[:1])))
        while not server.requests:
            await asyncio.sleep(0.01)
        rest = await asyncio.gather(*(source.fetch(refs(POSTS[:1])) for _ in range(50)))
        assert [await first, *rest] == [[as_post(POSTS[0])]] * 51
    assert server.reads == {POSTS[0].id: 1}


async def test_who_leaves_takes_nothing_from_the_others(server: XServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path) as source:
        leaver = asyncio.create_task(source.fetch(refs(POSTS[:2])))
        stayer = asyncio.create_task(source.fetch(refs(POSTS[1:3])))
        await asyncio.sleep(0)
        leaver.cancel()
        assert await stayer == [as_post(POSTS[1]), as_post(POSTS[2])]
    assert server.reads[POSTS[0].id] == 0


async def test_closing_answers_who_still_waits(server: XServer, tmp_path: Path) -> None:
    server.faults = in_order([Fault.STALLED])
    source = make(server, tmp_path)
    await source.open()
    waits = asyncio.create_task(source.fetch(refs(POSTS[:1])))
    while not server.requests:
        await asyncio.sleep(0.01)
    await source.close()
    (error,) = await asyncio.wait_for(waits, 10)
    assert isinstance(error, SourceError)


@pytest.mark.parametrize(
    "fault",
    [Fault.FAILED, Fault.UNAVAILABLE, Fault.LIMITED, Fault.STALLED, Fault.TRUNCATED, Fault.DRIPPED],
)
async def test_what_goes_wrong_once_is_got_over_in_time(
    server: XServer, tmp_path: Path, fault: Fault
) -> None:
    server.faults = in_order([fault])
    async with opened(server, tmp_path, timeout=6.0) as source:
        assert await source.fetch(refs(POSTS[:3])) == [as_post(post) for post in POSTS[:3]]


async def test_what_goes_on_being_wrong_is_an_error_in_time(
    server: XServer, tmp_path: Path
) -> None:
    server.faults = lambda _: Fault.STALLED
    async with opened(server, tmp_path, timeout=0.6) as source:
        began = time.monotonic()
        (error,) = await source.fetch(refs(POSTS[:1]))
        assert isinstance(error, SourceTimeoutError)
        assert time.monotonic() - began < 15  # a stall lasts twice as long


async def test_the_budget_is_never_exceeded(server: XServer, tmp_path: Path) -> None:
    """What is left is used; whoever gets nothing is told when there will be more."""
    async with opened(server, tmp_path, daily_reads=5) as source:
        outcomes = await source.fetch(refs(POSTS[:8]))
        assert sum(isinstance(outcome, Post) for outcome in outcomes) == 5
        errors = [outcome for outcome in outcomes if not isinstance(outcome, Post)]
        assert {type(error) for error in errors} == {BudgetExhaustedError}
        assert 0 < (errors[0].retry_after or 0) <= 86_400
        asked = len(server.requests)
        with pytest.raises(BudgetExhaustedError, match="SENTISERVE_X_DAILY_READS"):
            [page async for page in source.pages(FeedQuery(FeedKind.TAG, ("tea",)))]
        assert len(server.requests) == asked
    assert server.reads.total() == 5


@pytest.mark.usefixtures("one_try")
async def test_what_x_does_not_give_is_not_spent(server: XServer, tmp_path: Path) -> None:
    """Missing posts, failures and refusals leave the budget as it is."""
    server.faults = lambda _: Fault.FAILED
    async with opened(server, tmp_path, daily_reads=2) as source:
        await source.fetch(refs(POSTS[:2]))
        server.faults = lambda _: None
        await fetch(source, at(50), at(51))
        assert await source.fetch(refs(POSTS[:2])) == [as_post(post) for post in POSTS[:2]]


@pytest.mark.usefixtures("one_try")
async def test_an_answer_that_breaks_off_is_spent(server: XServer, tmp_path: Path) -> None:
    """X gave it, and bills it."""
    server.faults = lambda _: Fault.TRUNCATED
    async with opened(server, tmp_path, daily_reads=2) as source:
        await source.fetch(refs(POSTS[:2]))
        server.faults = lambda _: None
        (error,) = await source.fetch(refs(POSTS[:1]))
    assert isinstance(error, BudgetExhaustedError)


async def test_a_server_that_is_not_there_costs_nothing(server: XServer, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1"
    async with opened(server, tmp_path, url=nobody, daily_reads=1) as source:
        for _ in range(3):
            (error,) = await source.fetch(refs(POSTS[:1]))
            assert type(error) in {SourceError, SourceTimeoutError}


async def test_no_token_is_told_to_anybody(
    server: XServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by a log at any level, nor by what things say of themselves, nor by an error."""
    caplog.set_level(logging.DEBUG)
    said: list[object] = []
    faults = [Fault.FAILED, Fault.STALLED, Fault.TRUNCATED, Fault.NONSENSE]
    with capture_logs() as logs:
        async with opened(server, tmp_path, timeout=0.5) as source:
            said += [source, vars(source), *vars(source).values()]
            for fault in faults:
                server.faults = in_order([fault] * 9)
                said += await source.fetch(refs(POSTS[:1]))
            server.faults = lambda _: None
            for problem in PROBLEMS.values():
                server.refusal = problem
                said += await source.fetch(refs(POSTS[:1]))
                try:
                    [page async for page in source.pages(FeedQuery(FeedKind.HOME))]
                except SentiserveError as error:
                    said += [error, error.__cause__, error.__context__]
    everything = repr(said) + str(said) + repr(logs) + caplog.text
    assert server.requests
    assert APP not in everything
    assert USER not in everything


@pytest.mark.parametrize("token", ["", " ", "two words", "new\nline", "schlüssel", "\x00"])
def test_what_is_no_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(SettingsError, match="SENTISERVE_X_BEARER_TOKEN") as caught:
        make_source("x", settings(x_bearer_token=SecretStr(token)))
    assert not token.strip() or token not in str(caught.value)


def test_without_any_token_the_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="needs SENTISERVE_X_BEARER_TOKEN"):
        make_source("x", settings())


async def test_the_settings_make_a_source_that_reads(server: XServer, tmp_path: Path) -> None:
    given = settings(x_bearer_token=SecretStr(f" {APP}\n"), x_url=server.url, x_daily_reads=1)
    source = make_source("x", given)
    await source.open()
    try:
        assert await source.fetch(refs(POSTS[:1])) == [as_post(POSTS[0])]
    finally:
        await source.close()
    assert (tmp_path / "state" / "sentiserve" / "x" / "reads").exists()


async def test_what_can_be_read_depends_on_the_tokens(server: XServer, tmp_path: Path) -> None:
    """An app has no home timeline, and a user no stream; either reads the rest."""
    async with opened(server, tmp_path, user=False) as source:
        assert set(source.feeds) == {FeedKind.USER, FeedKind.TAG, FeedKind.STREAM}
        with pytest.raises(BadInputError, match="SENTISERVE_X_USER_TOKEN"):
            [page async for page in source.pages(FeedQuery(FeedKind.HOME))]
    async with opened(server, tmp_path, app=False) as source:
        assert set(source.feeds) == {FeedKind.USER, FeedKind.TAG, FeedKind.HOME}
        assert await source.fetch(refs(POSTS[:1])) == [as_post(POSTS[0])]
        with pytest.raises(BadInputError, match="SENTISERVE_X_BEARER_TOKEN"):
            [page async for page in source.pages(FeedQuery(FeedKind.STREAM, ("tea",)))]


async def test_a_wrong_address_is_told_from_a_missing_post(server: XServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path, url=f"{server.url}/elsewhere") as source:
        (error,) = await source.fetch(refs(POSTS[:1]))
    assert isinstance(error, SourceError)
    assert "SENTISERVE_X_URL" in str(error)


@pytest.mark.live
async def test_xs_api_itself_gives_its_first_post() -> None:
    """With an app's token from the environment; about $0.005."""
    source = make_source("x", load_settings(x_daily_reads=1))
    await source.open()
    try:
        (first,) = await source.fetch([PostRef("x", "20")])
    finally:
        await source.close()
    assert isinstance(first, Post)
    assert (first.author_id, first.author_handle) == ("12", "jack")
