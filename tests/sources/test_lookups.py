"""Posts asked for one by one."""

import asyncio

from sentiserve.errors import (
    NotFoundError,
    QuotaExhaustedError,
    SentiserveError,
    SourceTimeoutError,
)
from sentiserve.sources.lookups import Lookups
from sentiserve.types import Post, PostRef


class Upstream:
    """A server that takes a while, and counts how many ask at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.under_way = 0
        self.most_at_once = 0
        self.takes = 0.001
        self.error: SentiserveError | None = None

    async def ask(self, ref: PostRef) -> Post:
        self.asked.append(ref.id)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.takes)
            if self.error:
                raise self.error
            return Post(ref, f"text {ref.id}")
        finally:
            self.under_way -= 1


def refs(*numbers: int) -> list[PostRef]:
    return [PostRef("x", str(number)) for number in numbers]


def lookups(upstream: Upstream, *, at_once: int = 8, seconds: float = 10.0) -> Lookups:
    return Lookups("upstream", upstream.ask, at_once=at_once, seconds=seconds)


async def test_some_are_asked_at_once_and_no_more() -> None:
    upstream = Upstream()
    asked = lookups(upstream, at_once=3)
    answers = await asyncio.gather(asked.fetch(refs(*range(10))), asked.fetch(refs(*range(10, 20))))
    assert [answer.ref.id for answer in answers[0] if isinstance(answer, Post)] == [
        str(number) for number in range(10)
    ]
    assert upstream.most_at_once == 3


async def test_a_post_asked_twice_is_asked_for_once() -> None:
    upstream = Upstream()
    first, other, again = await lookups(upstream).fetch(refs(1, 2, 1))
    assert first == again != other
    assert sorted(upstream.asked) == ["1", "2"]


async def test_what_came_in_time_is_given() -> None:
    """Posts that there was no time for are errors in their places."""
    upstream = Upstream()
    upstream.takes = 0.5
    answers = await lookups(upstream, at_once=1, seconds=1.2).fetch(refs(1, 2, 3))
    assert isinstance(answers[0], Post)
    assert isinstance(answers[2], SourceTimeoutError)
    assert upstream.under_way == 0


async def test_a_server_that_wants_to_be_left_alone_is() -> None:
    """After the refusal nothing is asked before its time, and the answers say when that is."""
    upstream = Upstream()
    upstream.error = QuotaExhaustedError("too often", 100)
    asked = lookups(upstream, at_once=1)
    answers = await asked.fetch(refs(1, 2, 3)) + await asked.fetch(refs(4))
    assert upstream.asked == ["1"]
    waits = [answer.retry_after for answer in answers if isinstance(answer, QuotaExhaustedError)]
    assert len(waits) == 4
    assert all(wait and 90 < wait <= 100 for wait in waits)


async def test_a_rest_ends() -> None:
    upstream = Upstream()
    upstream.error = QuotaExhaustedError("too often", 0)
    asked = lookups(upstream)
    await asked.fetch(refs(1))
    upstream.error = None
    assert await asked.fetch(refs(2)) == [Post(PostRef("x", "2"), "text 2")]


async def test_an_error_costs_one_post() -> None:
    upstream = Upstream()
    upstream.error = NotFoundError("nothing")
    assert await lookups(upstream).fetch(refs(1, 2)) == [upstream.error, upstream.error]


async def test_who_leaves_takes_the_requests_along() -> None:
    upstream = Upstream()
    upstream.takes = 20.0
    task = asyncio.create_task(lookups(upstream).fetch(refs(1, 2)))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert upstream.under_way == 0
