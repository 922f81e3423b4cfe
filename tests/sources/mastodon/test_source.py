"""Mastodon, over TLS on loopback, asked by the names of its hosts."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tls import certificate_for

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    QuotaExhaustedError,
    SentiserveError,
    SettingsError,
    SourceError,
    SourceRefusedError,
    SourceTimeoutError,
)
from sentiserve.settings import Settings
from sentiserve.sources.mastodon.pinned import PinnedTransport
from sentiserve.sources.mastodon.source import Mastodon
from sentiserve.sources.mastodon.statuses import Status, decoded, read_post
from sentiserve.sources.registry import make_source
from sentiserve.testing import FeedContract, SourceContract
from sentiserve.testing.mastodon_server import Json, MastodonServer, mastodon_status
from sentiserve.testing.server import Fault, at_random, in_order
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

HOST = "social.example"
TIME = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
FIRST = 116_000_000_000_000_000
COUNT = 90  # more than two pages


def status(number: int, by: str = "ella", **changes: object) -> Json:
    text = f"Post {number}, a fine one. #rain"
    at = TIME + timedelta(minutes=number)
    return mastodon_status(FIRST + number, text, by=by, host=HOST, at=at, **changes)


STATUSES = [status(number) for number in range(COUNT)]


def post(status: Json) -> Post:
    return read_post(decoded(msgspec.json.encode(status), Status, HOST), HOST)


@dataclass
class Host:
    """A host on loopback, and how to reach it by its name."""

    server: MastodonServer
    certificate: Path

    def transport(self, host: str) -> httpx2.AsyncBaseTransport:
        return PinnedTransport(
            host,
            resolve=lambda _: ["127.0.0.1"],
            is_allowed=lambda address: address == "127.0.0.1",
            port=self.server.port,
            verify=ssl.create_default_context(cafile=str(self.certificate)),
        )

    def source(self, seconds: float = 30.0) -> Mastodon:
        return Mastodon([HOST, "other.example"], timeout=seconds, transport=self.transport)

    @property
    def asked(self) -> list[str]:
        return [path for path, _ in self.server.requests]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate_for(HOST, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def host(certificate: tuple[Path, Path]) -> Iterator[Host]:
    with MastodonServer(STATUSES, certificate=certificate[0], key=certificate[1]) as server:
        yield Host(server, certificate[0])


@asynccontextmanager
async def opened(host: Host, seconds: float = 30.0) -> AsyncIterator[Mastodon]:
    source = host.source(seconds)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def fetch(host: Host, *refs: PostRef) -> Sequence[Post | SentiserveError]:
    async with opened(host) as source:
        return await source.fetch(refs)


async def pages(host: Host, query: FeedQuery, cursor: str | None = None) -> list[Page]:
    async with opened(host) as source:
        return [page async for page in source.pages(query, cursor)]


def ref(number: int, at: str = HOST) -> PostRef:
    return PostRef("mastodon", f"{FIRST + number}@{at}")


def user(name: str = f"ella@{HOST}", **changes: object) -> FeedQuery:
    return FeedQuery(FeedKind.USER, (name,), **changes)  # type: ignore[arg-type]  # a test's own


def tag(name: str = "rain", **changes: object) -> FeedQuery:
    return FeedQuery(FeedKind.TAG, (name,), **changes)  # type: ignore[arg-type]  # a test's own


class TestMastodon(SourceContract):
    known = [
        (f"https://{HOST}/@ella/{FIRST}", post(STATUSES[0])),
        (f"https://{HOST}/users/ella/statuses/{FIRST + 1}", post(STATUSES[1])),
    ]
    missing_url = f"https://{HOST}/@ella/{FIRST - 1}"
    unknown_url = f"https://elsewhere.example/@ella/{FIRST}"

    @pytest.fixture(autouse=True)
    def _served(self, host: Host) -> None:
        self.host = host

    def make_source(self, tmp_path: Path) -> Mastodon:
        return self.host.source()


class TestUser(FeedContract):
    query = user()
    posts = [post(status) for status in reversed(STATUSES)]

    @pytest.fixture(autouse=True)
    def _served(self, host: Host) -> None:
        self.host = host

    def make_feed(self, tmp_path: Path) -> Mastodon:
        return self.host.source()


class TestTag(TestUser):
    query = tag()


async def test_a_post_of_another_host_is_not_asked_for(host: Host) -> None:
    """The error says which setting would change that."""
    error, other, known = await fetch(host, ref(0, "elsewhere.example"), PostRef("x", "1"), ref(0))
    assert isinstance(error, NotFoundError)
    assert "SENTISERVE_MASTODON_HOSTS" in str(error)
    assert isinstance(other, NotFoundError)
    assert known == post(STATUSES[0])
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        HOST + ".",
        HOST + ":443",
        HOST + ":8443",
        HOST + "@elsewhere.example",
        "user@" + HOST,
        "elsewhere." + HOST,
        HOST + ".elsewhere.example",
        HOST.upper(),
        "s\u043ecial.example",
        "xn--scial-9ye.example",
        HOST + "/../..",
        "",
        "\x00",
    ],
)
async def test_only_the_hosts_in_the_settings_are_asked(host: Host, name: str) -> None:
    """Neither a ref with another host nor a URL of one leads anywhere."""
    async with opened(host) as source:
        (error,) = await source.fetch([ref(0, name)])
        parsed = source.parse(f"https://{name}/@ella/{FIRST}")
        with pytest.raises(BadInputError):
            _ = [page async for page in source.pages(user(f"ella@{name} "))]
    assert isinstance(error, NotFoundError)
    assert parsed in {None, ref(0)}  # the host itself, written in another way
    assert not host.asked


@pytest.mark.parametrize("number", ["", "1/../2", "1?x=", "-1", "\u0661", "9" * 21, "1\n"])
async def test_what_is_no_id_is_not_asked_for(host: Host, number: str) -> None:
    (error,) = await fetch(host, PostRef("mastodon", f"{number}@{HOST}"))
    assert isinstance(error, NotFoundError)
    assert not host.asked


async def test_a_host_is_asked_with_nothing_but_the_id(host: Host) -> None:
    await fetch(host, ref(0))
    ((path, params),) = host.server.requests
    assert path == f"/api/v1/statuses/{FIRST}"
    assert not dict(params)


async def test_a_certificate_for_another_name_is_refused(host: Host) -> None:
    """The address leads to a server with a trusted certificate, but not one for that host."""
    async with opened(host, seconds=1.0) as source:
        (error,) = await source.fetch([ref(0, "other.example")])
    assert isinstance(error, SourceError)
    assert "other.example" in str(error)
    assert not host.asked


async def test_a_deleted_or_hidden_post_is_gone(host: Host) -> None:
    host.server.statuses[0] = status(0, visibility="private")
    hidden, missing = await fetch(host, ref(0), ref(COUNT))
    assert isinstance(hidden, PostDeletedError)
    assert isinstance(missing, PostDeletedError)
    host.server.statuses[0] = STATUSES[0]


async def test_a_post_of_the_future_is_not_found(host: Host) -> None:
    (error,) = await fetch(host, PostRef("mastodon", f"{9 * 10**18}@{HOST}"))
    assert isinstance(error, NotFoundError)


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.UNAVAILABLE, Fault.TRUNCATED, Fault.LIMITED])
async def test_what_passes_is_tried_again(host: Host, fault: Fault) -> None:
    host.server.faults = in_order([fault])
    assert await fetch(host, ref(0)) == [post(STATUSES[0])]
    assert len(host.asked) == 2


async def test_a_page_in_place_of_an_answer_is_an_error(host: Host) -> None:
    host.server.faults = in_order([Fault.NONSENSE] * 2)
    (error,) = await fetch(host, ref(0))
    assert isinstance(error, SourceError)
    with pytest.raises(SourceError):
        await pages(host, tag())


async def test_no_answer_is_an_error_in_time(host: Host) -> None:
    host.server.faults = lambda _: Fault.STALLED
    async with opened(host, seconds=0.5) as source, asyncio.timeout(15):
        errors = await source.fetch([ref(0), ref(1)])
    assert {type(error) for error in errors} == {SourceTimeoutError}


async def test_a_limit_is_kept_to(host: Host) -> None:
    """What fits in comes; then nothing is asked until the host answers again."""
    host.server.allowance = 20
    host.server.resets_in = timedelta(minutes=3)
    async with opened(host) as source:
        answers = await source.fetch([ref(number) for number in range(COUNT)])
        again = await source.fetch([ref(0)])
    assert sum(isinstance(answer, Post) for answer in answers) == 20
    limits = [error for error in [*answers, *again] if isinstance(error, QuotaExhaustedError)]
    assert len(limits) == COUNT - 20 + 1
    assert all(170 <= (error.retry_after or 0) <= 181 for error in limits)
    assert len(host.asked) <= 20 + 8


async def test_posts_come_while_every_third_answer_fails(host: Host) -> None:
    host.server.faults = at_random(7, 0.3, [Fault.FAILED, Fault.TRUNCATED, Fault.DRIPPED])
    assert await fetch(host, *map(ref, range(20))) == [post(status) for status in STATUSES[:20]]


async def test_an_endless_answer_is_cut_off(host: Host) -> None:
    host.server.statuses[0] = status(0, content="x" * (1 << 21))
    (error,) = await fetch(host, ref(0))
    assert isinstance(error, SourceError)
    assert "bytes" in str(error)
    host.server.statuses[0] = STATUSES[0]


async def test_boosts_are_posts_of_who_boosted(host: Host) -> None:
    boosted = mastodon_status(1, "Look!", by="tom@other.example", host=HOST, at=TIME)
    host.server.statuses.append(status(COUNT, reblog=boosted, content="", tags=[]))
    (page,) = await pages(host, user(limit=1))
    assert [(post.text, post.author_handle) for post in page.posts] == [("Look!", f"ella@{HOST}")]


async def test_what_has_no_text_is_left_out_of_a_feed(host: Host) -> None:
    """As many others come as were asked for."""
    host.server.statuses += [status(COUNT, content=""), status(COUNT + 1, content="<p></p>")]
    found = [post.ref for page in await pages(host, user(limit=3)) for post in page.posts]
    assert found == [ref(COUNT - 1), ref(COUNT - 2), ref(COUNT - 3)]


async def test_a_user_is_found_in_any_case_and_with_an_at(host: Host) -> None:
    for name in (f"@ella@{HOST}", f"ELLA@{HOST.upper()}"):
        assert sum(len(page.posts) for page in await pages(host, user(name, limit=2))) == 2


async def test_a_hashtag_can_be_asked_of_a_host(host: Host) -> None:
    assert sum(len(page.posts) for page in await pages(host, tag(f"Rain@{HOST}", limit=2))) == 2


async def test_a_hashtag_of_any_script_stays_one_part_of_the_path(host: Host) -> None:
    host.server.statuses.append(status(COUNT, tags=[{"name": "ñandú_हिन्दी"}]))
    (page, *_) = await pages(host, tag("Ñandú_हिन्दी"))
    assert [post.ref for post in page.posts] == [ref(COUNT)]


async def test_a_hashtag_that_nobody_uses_has_no_posts(host: Host) -> None:
    assert await pages(host, tag("sunshine")) == [Page(())]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (user("ella"), "NAME@HOST"),
        (user("@"), "NAME@HOST"),
        (user(f"two words@{HOST}"), "NAME@HOST"),
        (user(f"../x@{HOST}"), "NAME@HOST"),
        (user("ella@elsewhere.example"), "SENTISERVE_MASTODON_HOSTS"),
        (tag("rain@elsewhere.example"), "SENTISERVE_MASTODON_HOSTS"),
        (tag("#rain"), "hashtag"),
        (tag(".."), "hashtag"),
        (tag("a/b"), "hashtag"),
        (tag("2026"), "hashtag"),
        (tag(""), "hashtag"),
        (FeedQuery(FeedKind.TAG, ("a", "b")), "one"),
        (FeedQuery(FeedKind.USER), "one"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    host: Host, query: FeedQuery, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        await pages(host, query)
    assert not host.asked


async def test_a_user_whom_nobody_knows_is_not_found(host: Host) -> None:
    host.server.suspended.add("ella")
    for name in ("nobody", "ella"):
        with pytest.raises(NotFoundError, match=name):
            await pages(host, user(f"{name}@{HOST}"))


async def test_a_host_that_shows_hashtags_to_members_only_says_so(host: Host) -> None:
    host.server.is_open = False
    with pytest.raises(SourceRefusedError, match="members only"):
        await pages(host, tag())


class Stuck(MastodonServer):
    """A host that forgets to page."""

    def _page(self, request: Request, statuses: list[Json]) -> Response:
        return JSONResponse(statuses)


async def test_a_host_that_repeats_itself_is_left(certificate: tuple[Path, Path]) -> None:
    """Else a feed would go on for ever."""
    with Stuck(STATUSES, certificate=certificate[0], key=certificate[1]) as server:
        with pytest.raises(SourceError, match="again and again"):
            await pages(Host(server, certificate[0]), user())
        assert len(server.requests) == 3


async def test_a_page_with_too_much_loses_nothing(certificate: tuple[Path, Path]) -> None:
    """What came beyond the limit comes again after the cursor."""
    newest = STATUSES[::-1]
    with Stuck(newest, certificate=certificate[0], key=certificate[1]) as server:
        (page,) = await pages(Host(server, certificate[0]), user(limit=2))
    assert [found.ref for found in page.posts] == [ref(COUNT - 1), ref(COUNT - 2)]
    assert page.cursor == str(FIRST + COUNT - 2)


async def test_asking_holds_up_nobody_while_a_name_is_looked_up(host: Host) -> None:
    """Seconds that the system takes for a name are time that the loop has for others."""
    answer = threading.Event()

    def resolve(name: str) -> Sequence[str]:
        answer.wait(20)
        return ["127.0.0.1"]

    def transport(name: str) -> httpx2.AsyncBaseTransport:
        return PinnedTransport(name, resolve=resolve)

    source = Mastodon([HOST], timeout=0.5, transport=transport)
    await source.open()
    async with asyncio.timeout(15):
        (error,) = await source.fetch([ref(0)])
    await source.close()
    answer.set()
    assert isinstance(error, SourceTimeoutError)


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "a.example/x",
        "https://a.example",
        "a.example:1",
        "b\u00fc.example",
    ],
)
def test_a_setting_that_is_no_hosts_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="SENTISERVE_MASTODON_HOSTS"):
        make_source("mastodon", Settings(mastodon_hosts=("a.example", name)))


def test_the_settings_name_the_hosts() -> None:
    source = make_source("mastodon", Settings(mastodon_hosts=("A.example", "b.example")))
    assert source.parse("https://a.example/@x/1") == PostRef("mastodon", "1@a.example")
    assert source.parse("https://mastodon.social/@x/1") is None


@pytest.mark.live
async def test_mastodon_itself_gives_its_first_post() -> None:
    source = make_source("mastodon", Settings())
    ref = source.parse("https://mastodon.social/@Gargron/1")
    assert ref is not None
    await source.open()
    (first,) = await source.fetch([ref])
    await source.close()
    assert isinstance(first, Post)
    assert first.author_handle == "Gargron@mastodon.social"
