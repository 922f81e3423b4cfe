"""Posts that are read in sequence are stored, each once, whatever goes wrong meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from sentiserve.errors import (
    BadInputError,
    BudgetExhaustedError,
    ModelError,
    QuotaExhaustedError,
    SourceError,
    SourceRefusedError,
    StoreError,
)
from sentiserve.ingest.cursors import CursorFile, Position
from sentiserve.ingest.works import FeedReading, UrlReading
from sentiserve.testing.fakes import FakeFeed
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef, Prediction

from .house import NOW, WORK, house, some_posts

POSTS = some_posts(35)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short."""
    monkeypatch.setattr("sentiserve.ingest.effort._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("sentiserve.ingest.effort._PATIENCE", 1.0)
    monkeypatch.setattr("sentiserve.errors.OverloadedError.retry_after", 0.001)
    monkeypatch.setattr("sentiserve.errors.StoreError.retry_after", 0.001)


async def test_every_post_is_predicted_and_stored_once(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        tally = await parts.run()
        stored = await parts.stored(POSTS)
    assert (tally.new, tally.known, tally.posts) == (35, 0, 35)
    assert sorted(parts.predicted) == sorted(post.text for post in POSTS)
    assert [kept.post for kept in stored if kept] == POSTS


async def test_a_stored_post_costs_no_inference(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        await parts.inference.answer(POSTS[:12])
        tally = await parts.run()
    assert (tally.new, tally.known) == (23, 12)
    assert len(parts.predicted) == 35


async def test_one_page_is_read_ahead_while_the_model_works_and_no_more(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.model.free.clear()
        running = asyncio.create_task(parts.run())
        await parts.until(pages=2)
        assert parts.feed.read == [0, 10]
        parts.model.free.set()
        await running
    assert parts.feed.read == [0, 10, 20, 30]


async def test_where_it_failed_the_next_run_goes_on_and_reads_nothing_twice(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [None, None, BudgetExhaustedError("all is spent")]
        with pytest.raises(BudgetExhaustedError, match="all is spent"):
            await parts.run()
        with CursorFile(parts.directory, WORK) as cursors:
            assert cursors.load().cursor == "20"
        tally = await parts.run()
    assert (tally.new, tally.known) == (15, 0)
    assert parts.feed.read == [0, 10, 20, 20, 30]
    assert len(parts.predicted) == 35


async def test_a_source_that_fails_for_a_while_is_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [SourceError("down"), SourceError("still down")]
        assert (await parts.run()).new == 35
    assert parts.feed.read == [0, 0, 0, 10, 20, 30]
    (first, _), (second, _) = parts.told.waits
    assert second > first


async def test_a_source_that_fails_for_long_ends_it_and_what_was_done_stays(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [SourceError("down") for _ in range(1_000)]
        with pytest.raises(SourceError, match="down"):
            await parts.run()
        assert 2 < len(parts.feed.read) < 1_000
        parts.feed.errors = []
        assert (await parts.run()).new == 35


async def test_a_source_that_refuses_is_not_asked_again(tmp_path: Path) -> None:
    """It would say the same, and charge for it."""
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [SourceRefusedError("no such token; set another")]
        with pytest.raises(SourceRefusedError, match="set another"):
            await parts.run()
        assert parts.feed.read == [0]


async def test_it_waits_for_a_quota_as_long_as_the_source_says_and_says_so(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [QuotaExhaustedError("wait, please", 1) for _ in range(2)]
        assert (await parts.run()).new == 35
    assert parts.told.waits == [(1, "wait, please")] * 2


async def test_more_posts_than_fit_the_queue_are_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS, page_size=35, max_queue=4) as parts:
        assert (await parts.run()).new == 35
    assert len(parts.predicted) == 35
    assert parts.told.waits


async def test_a_failing_model_ends_it_before_the_cursor_moves(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.model.error = RuntimeError("broken")
        with pytest.raises(ModelError):
            await parts.run()
        parts.model.error = None
        assert (await parts.run()).new == 35


async def test_a_post_that_cannot_be_classified_is_told_and_left_out(tmp_path: Path) -> None:
    blank = Post(PostRef("fake", "blank"), " ", url="https://example.org/blank")
    async with house(tmp_path, [*POSTS[:3], blank]) as parts:
        tally = await parts.run()
    assert (tally.new, tally.left_out) == (3, 1)
    assert parts.told.left_out == ["https://example.org/blank: the text is empty"]


async def test_what_its_author_took_back_is_forgotten_where_it_is_stored(tmp_path: Path) -> None:
    """Streams tell of every deletion there is; a look-up is less work than to forget."""
    stored, unknown = POSTS[0].ref, PostRef("fake", "never seen")
    async with house(tmp_path, POSTS) as parts:
        await parts.run()
        parts.feed.posts, parts.feed.deleted = some_posts(1), [stored, unknown]
        tally = await parts.run(work=WORK)
        assert tally.forgotten == 1
        assert parts.forgetting.asked == [stored]
        assert await parts.stored(POSTS[:1]) == [None]


async def test_a_store_that_is_away_while_something_is_forgotten_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, POSTS[:1]) as parts:
        await parts.run()
        get, failures = parts.store.get, [StoreError("away")] * 3

        async def flaky(refs: list[PostRef], model_id: str) -> list[Prediction | None]:
            if failures:
                raise failures.pop()
            return await get(refs, model_id)

        monkeypatch.setattr(parts.store, "get", flaky)
        parts.feed.deleted = [POSTS[0].ref]
        assert (await parts.run()).forgotten == 1


async def test_a_stop_finishes_what_was_read_and_reads_no_further(tmp_path: Path) -> None:
    """The page ahead was paid for, too."""
    async with house(tmp_path, POSTS) as parts:
        parts.model.free.clear()
        with CursorFile(parts.directory, WORK) as cursors:
            ingest = parts.ingest(cursors)
            running = asyncio.create_task(ingest.run())
            await parts.until(pages=2)
            ingest.stop()
            parts.model.free.set()
            assert not await running
            assert ingest.tally.new == 20
        assert (await parts.run()).new == 15
    assert parts.feed.read == [0, 10, 20, 30]


async def test_a_stop_while_the_last_page_is_worked_on_has_read_everything(tmp_path: Path) -> None:
    """There is no cursor to go on from; to begin anew would be to pay for all of it again."""
    async with house(tmp_path, POSTS[:20]) as parts:
        parts.model.free.clear()
        with CursorFile(parts.directory, WORK) as cursors:
            ingest = parts.ingest(cursors)
            running = asyncio.create_task(ingest.run())
            await parts.until(pages=2)
            ingest.stop()
            parts.model.free.set()
            assert await running
        tally = await parts.run()
    assert (tally.new, tally.known) == (0, 1)


async def test_a_stop_closes_what_is_read(tmp_path: Path) -> None:
    """At once, not when the interpreter comes by: a stream has something to clear away."""
    async with house(tmp_path, POSTS) as parts:
        closed, page = False, parts.feed.pages

        async def pages(query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page, None]:
            nonlocal closed
            try:
                async for each in page(query, cursor):
                    yield each
            finally:
                await asyncio.sleep(0.05)
                closed = True

        parts.feed.pages = pages  # type: ignore[method-assign]
        parts.model.free.clear()
        ingest = parts.ingest()
        running = asyncio.create_task(ingest.run())
        await parts.until(pages=2)
        ingest.stop()
        parts.model.free.set()
        assert not await running
        assert closed


async def test_a_stop_ends_a_wait(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.errors = [QuotaExhaustedError("in an hour", 3600)]
        ingest = parts.ingest()
        running = asyncio.create_task(ingest.run())
        await parts.until(pages=1)
        ingest.stop()
        async with asyncio.timeout(60):
            assert not await running


async def test_a_stop_does_not_wait_for_a_silent_stream(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS[:10]) as parts:
        silent = asyncio.Event()
        page = parts.feed.pages

        async def pages(query: object, cursor: str | None = None) -> object:
            async for each in page(query, cursor):  # type: ignore[arg-type]
                yield each
            silent.set()
            await asyncio.get_running_loop().create_future()

        parts.feed.pages = pages  # type: ignore[assignment,method-assign]
        ingest = parts.ingest(kind=FeedKind.STREAM)
        running = asyncio.create_task(ingest.run())
        await silent.wait()
        ingest.stop()
        async with asyncio.timeout(60):
            assert not await running
        assert ingest.tally.new == 10


async def test_a_stop_before_the_beginning_reads_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        ingest = parts.ingest()
        ingest.stop()
        assert not await ingest.run()
    assert parts.feed.read == []


async def test_no_more_posts_are_read_than_the_limit_also_in_two_runs(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        with CursorFile(parts.directory, WORK) as cursors:
            ingest = parts.ingest(cursors, limit=25)
            parts.model.free.clear()
            running = asyncio.create_task(ingest.run())
            await parts.until(pages=2)
            ingest.stop()
            parts.model.free.set()
            assert not await running
        assert (await parts.run(limit=25)).new == 5
        assert [kept is not None for kept in await parts.stored(POSTS)] == [True] * 25 + [
            False
        ] * 10


async def test_the_next_run_reads_only_what_is_newer(tmp_path: Path) -> None:
    """And the newest post that it knows, since others may be of the same moment."""
    async with house(tmp_path, POSTS) as parts:
        await parts.run()
        newer = some_posts(3, NOW + timedelta(minutes=3))
        parts.feed.posts = [*newer, *POSTS]
        parts.feed.read.clear()
        tally = await parts.run()
    assert (tally.new, tally.known) == (3, 1)
    assert parts.feed.read == [0]


class CutOff(FakeFeed):
    """Has a cursor on its first page, and nothing behind it."""

    async def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        if cursor is None:
            async for page in super().pages(query, cursor):
                yield page
                return


async def test_a_feed_that_ends_behind_a_cursor_begins_anew_the_next_time(tmp_path: Path) -> None:
    """As a search does that goes no further."""
    async with house(tmp_path, POSTS) as parts:
        feed = CutOff(POSTS)
        reading = FeedReading(feed, FeedKind.USER, ("ines",))
        assert (await parts.run(reading=reading)).new == 10
        feed.posts = [*some_posts(3, NOW + timedelta(minutes=3)), *POSTS]
        assert (await parts.run(reading=reading)).new == 3


async def test_a_post_dated_ahead_does_not_hide_those_to_come(tmp_path: Path) -> None:
    ahead = some_posts(1, NOW + timedelta(days=900))
    async with house(tmp_path, [*ahead, *POSTS]) as parts:
        await parts.run()
        parts.feed.posts = [*some_posts(2, NOW + timedelta(hours=1)), *ahead, *POSTS]
        tally = await parts.run()
    assert tally.new == 2


async def test_a_time_leaves_out_older_posts(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        tally = await parts.run(since=NOW - timedelta(minutes=4))
    assert tally.new == 5


async def test_a_cursor_that_the_source_refuses_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        with CursorFile(parts.directory, WORK) as cursors:
            cursors.save(Position(cursor="of another time"))
        with pytest.raises(BadInputError, match="cursor.*--restart"):
            await parts.run()


async def test_urls_are_fetched_unless_they_are_stored(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        await parts.inference.answer(POSTS[:2])
        urls = [post.ref.id for post in POSTS[:4]]
        tally = await parts.run(reading=UrlReading(iter([*urls, "missing:1", "what?"])))
    assert (tally.new, tally.known, tally.left_out) == (2, 2, 2)
    assert parts.feed.fetched == [[POSTS[2].ref, POSTS[3].ref, PostRef("fake", "1")]]
    assert [said.partition(": ")[0] for said in parts.told.left_out] == ["missing:1", "what?"]


async def test_a_url_whose_source_is_away_is_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        parts.feed.error = QuotaExhaustedError("soon", 1)
        running = asyncio.create_task(parts.run(reading=UrlReading([POSTS[0].ref.id])))
        while not parts.told.waits:
            await asyncio.sleep(0.001)
        parts.feed.error = None
        assert (await running).new == 1


async def test_urls_of_a_source_that_cannot_be_reached_are_left_out_and_hold_up_no_other(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, POSTS) as parts:
        await parts.inference.answer(POSTS[:1])
        parts.feed.error = SourceError("nobody answers")
        urls = [POSTS[0].ref.id, POSTS[1].ref.id, "what?"]
        tally = await parts.run(reading=UrlReading(urls))
    assert (tally.known, tally.left_out, parts.told.waits) == (1, 2, [])
    assert "nobody answers" in parts.told.left_out[0]


async def test_what_was_stored_before_an_error_is_counted(tmp_path: Path) -> None:
    async with house(tmp_path, POSTS) as parts:
        await parts.inference.answer(POSTS[:1])
        parts.model.error = RuntimeError("broken")
        ingest = parts.ingest(reading=UrlReading([POSTS[0].ref.id, "what?", POSTS[1].ref.id]))
        with pytest.raises(ModelError):
            await ingest.run()
    assert (ingest.tally.known, ingest.tally.left_out) == (1, 1)


async def test_of_a_post_that_comes_twice_the_later_one_counts(tmp_path: Path) -> None:
    first = Post(PostRef("fake", "1"), "as it was")
    edited = Post(PostRef("fake", "1"), "as it is")
    async with house(tmp_path, [first, POSTS[0], edited]) as parts:
        tally = await parts.run()
        (kept,) = await parts.stored([edited])
    assert kept is not None
    assert kept.post.text == "as it is"
    assert (tally.new, tally.known) == (2, 1)


async def test_what_a_later_row_tells_of_a_stored_post_is_added_without_inference(
    tmp_path: Path,
) -> None:
    bare = Post(PostRef("fake", "1"), "the same", author_handle="ines")
    full = Post(PostRef("fake", "1"), "the same", author_id="7", created_at=NOW)
    async with house(tmp_path, [full]) as parts:
        await parts.inference.answer([bare])
        tally = await parts.run()
        (kept,) = await parts.stored([full])
    assert kept is not None
    assert (kept.post.author_id, kept.post.author_handle) == ("7", "ines")
    assert kept.post.created_at == NOW
    assert (tally.known, tally.new, parts.predicted) == (1, 0, ["the same"])


async def test_a_url_that_its_source_refuses_is_left_out(tmp_path: Path) -> None:
    """Others may be of another host, which doesn't."""
    async with house(tmp_path, POSTS) as parts:
        parts.feed.error = SourceRefusedError("members only; name another host")
        tally = await parts.run(reading=UrlReading([POSTS[0].ref.id]))
    assert (tally.left_out, parts.told.waits) == (1, [])
    assert "members only" in parts.told.left_out[0]
