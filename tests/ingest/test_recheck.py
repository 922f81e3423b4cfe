"""What platforms say of stored posts now is what is kept of them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentiserve.errors import (
    BudgetExhaustedError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    QuotaExhaustedError,
    SentiserveError,
    SourceError,
)
from sentiserve.ingest.recheck import Found, Recheck
from sentiserve.ingest.register import Register
from sentiserve.records import Record
from sentiserve.types import Post, PostRef, Prediction, Sentiment

from .house import House, house

AGO = datetime.now(UTC) - timedelta(days=3)
DAY = timedelta(days=1)
POSTS = [
    Post(PostRef("x", str(i)), f"post number {i}", f"https://x.com/a/status/{i}", "7", "ines", AGO)
    for i in range(5)
]


class FakeHistory:
    """Records from a list."""

    def __init__(self, posts: Sequence[Post], model: str = "fake-model") -> None:
        self.posts = list(posts)
        self.model = model

    def records(self) -> Iterator[list[Record]]:
        for post in self.posts:
            prediction = Prediction(post, Sentiment({"negative": 1.0}), self.model, AGO)
            yield [Record.of(prediction, AGO)]


@dataclass
class Platform:
    """A source that says of each post what it was told."""

    answers: dict[PostRef, Post | SentiserveError]
    asked: list[PostRef] = field(default_factory=list)

    def parse(self, url: str) -> PostRef | None:
        return None

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        self.asked += refs
        return [self.answers[ref] for ref in refs]


@dataclass
class Desk:
    """All that a re-check needs."""

    parts: House
    history: FakeHistory
    platform: Platform
    directory: Path

    async def run(
        self, limit: int | None = None, platform: str | None = None, *, believes_all: bool = False
    ) -> dict[str, Found]:
        with Register(self.directory / "register.db") as register:
            recheck = Recheck(
                self.history,
                register,
                self.platform,
                self.parts.inference,
                self.parts.forgetting,
                self.parts.told.on_wait,
                believes_all=believes_all,
            )
            assert await recheck.run(DAY, platform, limit)
            return recheck.found


@asynccontextmanager
async def desk(directory: Path, posts: Sequence[Post] = POSTS) -> AsyncIterator[Desk]:
    async with house(directory, posts) as parts:
        await parts.inference.answer(posts)
        platform = Platform({post.ref: post for post in posts})
        yield Desk(parts, FakeHistory(posts), platform, directory)


async def test_what_is_as_it_was_is_left_alone_and_not_asked_for_again_that_day(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        assert await at.run() == {"x": Found(due=5, same=5)}
        assert await at.run() == {}
        assert at.parts.forgetting.asked == []
        assert len(at.parts.predicted) == 5
    assert set(at.platform.asked) == {post.ref for post in POSTS}


@pytest.mark.parametrize("error", [PostDeletedError("gone"), PostProtectedError("private")])
async def test_what_is_gone_is_forgotten(tmp_path: Path, error: SentiserveError) -> None:
    async with desk(tmp_path) as at:
        at.platform.answers[POSTS[2].ref] = error
        assert await at.run() == {"x": Found(due=5, same=4, forgotten=1)}
        assert at.parts.forgetting.asked == [POSTS[2].ref]
        kept = await at.parts.stored(POSTS)
    assert [prediction is None for prediction in kept] == [False, False, True, False, False]


async def test_that_everything_is_gone_is_believed_only_if_somebody_says_so(
    tmp_path: Path,
) -> None:
    """An oEmbed at a wrong address knows no post, and would have all of X's forgotten."""
    posts = [Post(PostRef("x", str(number)), f"post number {number}") for number in range(20)]
    async with desk(tmp_path, posts) as at:
        at.platform.answers = dict.fromkeys(at.platform.answers, PostDeletedError("gone"))
        found = (await at.run())["x"]
        assert "--all-gone" in str(found.error)
        assert (found.due, found.looked_at) == (20, 0)
        assert at.parts.forgetting.asked == []
        assert await at.run(believes_all=True) == {"x": Found(due=20, forgotten=20)}


async def test_one_post_that_is_there_shows_that_the_source_can_be_believed(
    tmp_path: Path,
) -> None:
    posts = [Post(PostRef("x", str(number)), f"post number {number}") for number in range(20)]
    async with desk(tmp_path, posts) as at:
        gone = [post.ref for post in posts[1:]]
        at.platform.answers |= dict.fromkeys(gone, PostDeletedError("gone"))
        assert await at.run() == {"x": Found(due=20, same=1, forgotten=19)}


async def test_what_was_edited_is_predicted_anew_and_its_old_text_is_forgotten(
    tmp_path: Path,
) -> None:
    """What the source doesn't say this time, who wrote it for one, stays as it was known."""
    edited = Post(POSTS[1].ref, "now it says something else", author_handle="ines")
    async with desk(tmp_path) as at:
        at.platform.answers[edited.ref] = edited
        assert await at.run() == {"x": Found(due=5, same=4, edited=1)}
        assert at.parts.forgetting.asked == [edited.ref]
        assert "now it says something else" in at.parts.predicted
        (answer,), _ = await at.parts.inference.answer(
            [Post(edited.ref, "now it says something else")]
        )
    assert not isinstance(answer, SentiserveError)
    assert answer.cached
    assert answer.prediction.post.text == "now it says something else"
    assert answer.prediction.post.author_id == "7"
    assert answer.prediction.post.url == POSTS[1].url


@pytest.mark.parametrize(
    "text",
    ["post…", "post number ...", "post number 1", "post  number\n1", "post… https://t.co/a1B2"],
)
async def test_a_text_that_a_source_shortens_or_sets_otherwise_is_no_edited_one(
    tmp_path: Path, text: str
) -> None:
    async with desk(tmp_path) as at:
        at.platform.answers[POSTS[1].ref] = Post(POSTS[1].ref, text)
        assert await at.run() == {"x": Found(due=5, same=5)}


async def test_a_text_of_which_only_dots_are_left_is_an_edited_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.platform.answers[POSTS[1].ref] = Post(POSTS[1].ref, "...")
        assert await at.run() == {"x": Found(due=5, same=4, edited=1)}


async def test_what_no_source_has_stays(tmp_path: Path) -> None:
    """That may as well be a post of a platform that no source in use is of."""
    async with desk(tmp_path) as at:
        at.platform.answers[POSTS[0].ref] = NotFoundError("not here")
        assert await at.run() == {"x": Found(due=5, same=4, not_found=1)}
        assert at.parts.forgetting.asked == []


async def test_what_could_not_be_asked_for_stays_due(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.platform.answers[POSTS[0].ref] = SourceError("down")
        assert await at.run() == {"x": Found(due=5, same=4, failed=1)}
        at.platform.answers[POSTS[0].ref] = POSTS[0]
        assert await at.run() == {"x": Found(due=1, same=1)}


async def test_a_spent_budget_ends_one_platform_and_what_was_paid_for_counts(
    tmp_path: Path,
) -> None:
    elsewhere = [Post(PostRef("mastodon", "1@example.social"), "elsewhere")]
    async with desk(tmp_path, [*POSTS, *elsewhere]) as at:
        spent = BudgetExhaustedError("all is spent")
        at.platform.answers |= {post.ref: spent for post in POSTS[3:]}
        found = await at.run()
        assert found["mastodon"] == Found(due=1, same=1)
        assert found["x"] == Found(due=5, same=3, failed=2, error=spent)
        at.platform.answers |= {post.ref: post for post in POSTS}
        assert await at.run() == {"x": Found(due=2, same=2)}


async def test_a_quota_is_waited_for(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        refused = QuotaExhaustedError("a moment, please", 1)
        fetch, answers = at.platform.fetch, [refused]

        async def later(refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
            return [answers.pop()] * len(refs) if answers else await fetch(refs)

        at.platform.fetch = later  # type: ignore[method-assign]
        assert await at.run() == {"x": Found(due=5, same=5)}
    assert at.parts.told.waits == [(1, "a moment, please")]


async def test_a_limit_takes_those_that_nobody_looked_at_for_longest(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for _ in range(3):
            await at.run(limit=2)
    assert len(at.platform.asked) == 5
    assert set(at.platform.asked) == {post.ref for post in POSTS}


async def test_only_one_platform_is_asked_about_where_it_is_named(tmp_path: Path) -> None:
    elsewhere = Post(PostRef("mastodon", "1@example.social"), "elsewhere")
    async with desk(tmp_path, [*POSTS, elsewhere]) as at:
        assert await at.run(platform="mastodon") == {"mastodon": Found(due=1, same=1)}
    assert at.platform.asked == [elsewhere.ref]


async def test_bare_texts_are_nobodys_posts(tmp_path: Path) -> None:
    async with desk(tmp_path, [Post.of_text("a text")]) as at:
        assert await at.run() == {}


async def test_a_post_that_two_models_know_is_asked_for_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.history.posts = [POSTS[0], POSTS[0]]
        assert await at.run() == {"x": Found(due=1, same=1)}


async def test_no_text_lies_in_the_register_and_of_the_forgotten_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.run()
        assert b"post number" not in (tmp_path / "register.db").read_bytes()
        at.history.posts = []
        await at.run()
        at.history.posts = POSTS
        assert (await at.run())["x"].due == 5
