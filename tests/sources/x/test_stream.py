"""The stream of X: rules, one connection, and what becomes of it when that breaks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from x_api import APP, ELLA, TOM, USERS, all_pages, as_post, at, opened

from sentiserve.errors import BadInputError, BudgetExhaustedError, SourceError, SourceRefusedError
from sentiserve.sources.x.source import X
from sentiserve.sources.x.stream import TAG, read_line
from sentiserve.testing.server import Fault, in_order
from sentiserve.testing.x_answers import PROBLEMS, XPost
from sentiserve.testing.x_server import XServer
from sentiserve.types import FeedKind, FeedQuery, Page, Post

NEW = [XPost(at(0.2 - n / 100), (ELLA, TOM)[n % 2], f"{n}: #tea, not coffee") for n in range(6)]
PATIENCE = 60.0  # seconds; far more than needed, for busy machines
QUERY = FeedQuery(FeedKind.STREAM, ("tea", "#cake"))


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer([], USERS, heartbeat=0.05) as started:
        yield started


async def take(pages: AsyncIterator[Page], count: int) -> list[Post]:
    async with asyncio.timeout(PATIENCE):
        return [post for _ in range(count) for post in (await anext(pages)).posts]


async def until_connected(server: XServer, connections: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while server.streams < connections:
            await asyncio.sleep(0.01)


def stream(source: X, **more: object) -> AsyncIterator[Page]:
    return source.pages(FeedQuery(FeedKind.STREAM, QUERY.names, **more))  # type: ignore[arg-type]  # a limit


@pytest.mark.parametrize("fields", ["tweet", "post"])
async def test_posts_come_as_they_are_written(server: XServer, tmp_path: Path, fields: str) -> None:
    """Until as many came as were wanted; then the rules are gone."""
    server.publish(*NEW)
    async with opened(server, tmp_path, fields=fields) as source:
        async with asyncio.timeout(PATIENCE):
            pages = [page async for page in stream(source, limit=4)]
    assert [post for page in pages for post in page.posts] == [as_post(post) for post in NEW[:4]]
    assert server.rules == {}


async def test_the_rules_are_there_while_it_runs(server: XServer, tmp_path: Path) -> None:
    """They carry our tag, and what others have is left alone."""
    server.rules = {"1": {"id": "1", "value": "#coffee", "tag": "somebody else's"}}
    server.publish(XPost(at(0.3), TOM, "Only #coffee"), NEW[0])
    async with opened(server, tmp_path) as source:
        pages = stream(source)
        assert await take(pages, 1) == [as_post(NEW[0])]
        ours = {rule["value"] for rule in server.rules.values() if rule["tag"] == TAG}
        assert ours == {"#tea", "#cake"}
        await pages.aclose()  # type: ignore[attr-defined]
    assert list(server.rules) == ["1"]


async def test_a_rule_that_somebody_else_has_is_used_and_left(
    server: XServer, tmp_path: Path
) -> None:
    server.rules = {"1": {"id": "1", "value": "#tea", "tag": "somebody else's"}}
    server.publish(NEW[0])
    async with opened(server, tmp_path) as source:
        assert await take(stream(source, limit=1), 1) == [as_post(NEW[0])]
    assert "1" in server.rules


async def test_what_a_killed_process_left_is_taken_away(server: XServer, tmp_path: Path) -> None:
    server.rules = {"1": {"id": "1", "value": "#juice", "tag": TAG}}
    async with opened(server, tmp_path) as source:
        server.publish(NEW[0])
        await take(stream(source, limit=1), 1)
    assert "1" not in server.rules


async def test_after_a_broken_connection_each_post_comes_once(
    server: XServer, tmp_path: Path
) -> None:
    """X may send again what it sent before."""
    async with opened(server, tmp_path) as source:
        pages = stream(source)
        server.publish(*NEW[:3])
        given = await take(pages, 3)
        more = asyncio.create_task(take(pages, 3))
        server.hang_up()
        await until_connected(server, 2)
        server.publish(*NEW)
        given += await more
        await pages.aclose()  # type: ignore[attr-defined]
    assert given == [as_post(post) for post in NEW]


async def test_heartbeats_keep_a_quiet_stream_open(server: XServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path, silence=1.5) as source:
        waits = asyncio.create_task(take(stream(source), 1))
        await until_connected(server, 1)
        await asyncio.sleep(2.0)
        server.publish(NEW[0])
        assert await waits == [as_post(NEW[0])]
    assert server.streams == 1


async def test_a_silent_stream_is_connected_anew(server: XServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path, silence=1.0) as source:
        waits = asyncio.create_task(take(stream(source), 1))
        await until_connected(server, 1)
        server.stall()
        server.publish(NEW[0])
        assert await waits == [as_post(NEW[0])]
    assert server.streams == 2


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.UNAVAILABLE, Fault.NONSENSE, Fault.STALLED])
async def test_what_goes_wrong_with_connecting_is_got_over(
    server: XServer, tmp_path: Path, fault: Fault
) -> None:
    faults = in_order([fault, fault])
    server.faults = lambda path: faults(path) if path.endswith("/stream") else None
    server.publish(NEW[0])
    async with opened(server, tmp_path, silence=0.2) as source:
        assert await take(stream(source), 1) == [as_post(NEW[0])]


async def test_a_connection_that_x_still_holds_is_waited_for(
    server: XServer, tmp_path: Path
) -> None:
    """X notices a lost connection later than who lost it, and allows but one."""
    server.rules = {"1": {"id": "1", "value": "#juice", "tag": "somebody else's"}}
    headers = {"authorization": f"Bearer {APP}"}
    async with (
        httpx.AsyncClient(
            base_url=server.url, headers=headers, trust_env=False, timeout=60
        ) as client,
        opened(server, tmp_path) as source,
    ):
        async with client.stream("GET", "/2/tweets/search/stream"):
            waits = asyncio.create_task(take(stream(source), 1))
            while sum(path.endswith("/stream") for path, _ in server.requests) < 3:
                await asyncio.sleep(0.01)
            assert server.streams == 1
        async with asyncio.timeout(PATIENCE):
            while not waits.done():  # what comes before it is connected is lost
                server.publish(NEW[0])
                await asyncio.sleep(0.05)
        assert await waits == [as_post(NEW[0])]


async def test_a_second_stream_on_the_machine_is_refused(server: XServer, tmp_path: Path) -> None:
    """It would cut off the first one, or take its rules away."""
    server.publish(*NEW[:2])
    async with opened(server, tmp_path) as source, opened(server, tmp_path) as other:
        pages = stream(source)
        await take(pages, 1)
        asked = len(server.requests)
        with pytest.raises(SourceRefusedError, match="another stream"):
            await take(stream(other), 1)
        assert len(server.requests) == asked
        await take(pages, 1)
        await pages.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("problem", ["unauthorized", "credits", "client-forbidden"])
async def test_a_refusal_ends_it(server: XServer, tmp_path: Path, problem: str) -> None:
    """What somebody must change is not tried again."""
    async with opened(server, tmp_path) as source:
        pages = stream(source)
        server.publish(NEW[0])
        await take(pages, 1)
        server.refusal = PROBLEMS[problem]
        server.hang_up()
        with pytest.raises(SourceError):
            await take(pages, 1)


async def test_it_ends_with_the_budget(server: XServer, tmp_path: Path) -> None:
    """All that was paid for is given."""
    server.publish(*NEW)
    async with opened(server, tmp_path, daily_reads=3) as source:
        pages = stream(source)
        assert await take(pages, 3) == [as_post(post) for post in NEW[:3]]
        with pytest.raises(BudgetExhaustedError):
            await take(pages, 1)
    assert server.rules == {}


async def test_a_task_that_is_cancelled_takes_its_rules_along(
    server: XServer, tmp_path: Path
) -> None:
    async with opened(server, tmp_path) as source:
        task = asyncio.create_task(all_pages(source, QUERY))
        await until_connected(server, 1)
        assert server.rules
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.rules == {}


@pytest.mark.parametrize(
    "names", [(), ("two words",), ("tea", "1"), tuple(f"t{n}" for n in range(1_001))]
)
async def test_what_cannot_be_a_rule_is_refused_without_asking(
    server: XServer, tmp_path: Path, names: tuple[str, ...]
) -> None:
    async with opened(server, tmp_path) as source:
        with pytest.raises(BadInputError):
            await all_pages(source, FeedQuery(FeedKind.STREAM, names))
        with pytest.raises(BadInputError, match="cursor"):
            await all_pages(source, QUERY, "before-1")
    assert server.requests == []


@given(
    line=st.binary() | st.text().map(lambda text: f'{{"data": {text}}}'.encode(errors="replace"))
)
def test_any_line_is_a_post_or_none_or_an_error(line: bytes) -> None:
    with suppress(SourceError):
        assert read_line(line, frozenset()) is None
