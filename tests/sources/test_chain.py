"""Several sources as one."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from sentiserve.errors import (
    NotFoundError,
    OtherPlatformError,
    PostDeletedError,
    PostProtectedError,
    QuotaExhaustedError,
    SentiserveError,
    SourceError,
    SourceTimeoutError,
)
from sentiserve.metrics import Metrics
from sentiserve.protocols import Source
from sentiserve.sources import chain as chain_module
from sentiserve.sources.chain import Chain
from sentiserve.types import Post, PostRef

A, B, C = (PostRef("x", name) for name in "abc")


class Scripted:
    """A source that answers what it was told, and remembers what it was asked."""

    def __init__(
        self,
        answers: Mapping[PostRef, Post | SentiserveError] | Exception | None = None,
        url: str = "",
    ) -> None:
        self._answers = {} if answers is None else answers
        self._url = url
        self.asked: list[list[PostRef]] = []
        self.is_open = False

    def parse(self, url: str) -> PostRef | None:
        return A if url == self._url else None

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def fetch(self, refs: Sequence[PostRef]) -> Sequence[Post | SentiserveError]:
        self.asked.append(list(refs))
        if isinstance(self._answers, Exception):
            raise self._answers
        return [self._answers.get(ref, NotFoundError("not here")) for ref in refs]


class Silent(Scripted):
    """A source that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    async def fetch(self, refs: Sequence[PostRef]) -> Sequence[Post | SentiserveError]:
        self.asked.append(list(refs))
        self.waits.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError


class Short(Scripted):
    """A source that answers less than it was asked."""

    async def fetch(self, refs: Sequence[PostRef]) -> Sequence[Post | SentiserveError]:
        return (await super().fetch(refs))[:-1]


def post(ref: PostRef, text: str = "hello") -> Post:
    return Post(ref, text)


def chain(*sources: Source) -> Chain:
    return Chain({f"s{number}": source for number, source in enumerate(sources)}, timeout=0.3)


BROKEN: list[tuple[Scripted, type[SourceError]]] = [
    (Scripted(SourceError("down")), SourceError),
    (Scripted(QuotaExhaustedError("used up")), QuotaExhaustedError),
    (Scripted(RuntimeError("a bug")), SourceError),
    (Scripted(TimeoutError()), SourceTimeoutError),
    (Silent(), SourceTimeoutError),
    (Short({A: post(A), B: post(B), C: post(C)}), SourceError),
]
BROKEN_IDS = ["source error", "quota", "bug", "its own timeout", "silent", "short"]


async def test_the_first_source_that_has_a_post_gives_it() -> None:
    """Sources are asked in order, and only for what those before them did not have."""
    first = Scripted({A: post(A, "first")})
    second = Scripted({A: post(A, "second"), B: post(B, "second")})
    third = Scripted({C: post(C, "third")})
    answers = await chain(first, second, third).fetch([C, A, B])
    assert answers == [post(C, "third"), post(A, "first"), post(B, "second")]
    assert (first.asked, second.asked, third.asked) == ([[C, A, B]], [[C, B]], [[C]])


async def test_nobody_is_asked_in_vain() -> None:
    """Once everything is there, no further source is asked; nor when nothing is wanted."""
    first, second = Scripted({A: post(A)}), Scripted()
    assert await chain(first, second).fetch([A]) == [post(A)]
    assert await chain(first, second).fetch([]) == []
    assert (first.asked, second.asked) == ([[A]], [])


async def test_a_post_asked_twice_is_fetched_once() -> None:
    source = Scripted({A: post(A)})
    (first, missing, again) = await chain(source).fetch([A, B, A])
    assert first == again == post(A)
    assert isinstance(missing, NotFoundError)
    assert source.asked == [[A, B]]


@pytest.mark.parametrize("error", [PostProtectedError("private"), PostDeletedError("gone")])
async def test_a_definite_answer_ends_the_search(error: SentiserveError) -> None:
    """What is protected or deleted isn't looked for elsewhere."""
    second = Scripted({A: post(A)})
    assert await chain(Scripted({A: error}), second).fetch([A]) == [error]
    assert second.asked == []


@pytest.mark.parametrize("broken", [broken for broken, _ in BROKEN], ids=BROKEN_IDS)
async def test_a_broken_source_costs_only_itself(broken: Scripted) -> None:
    """The next source gives what it has."""
    answers = await chain(broken, Scripted({A: post(A), B: post(B)})).fetch([A, B])
    assert answers == [post(A), post(B)]


@pytest.mark.parametrize(("broken", "error"), BROKEN, ids=BROKEN_IDS)
@pytest.mark.parametrize("position", ["first", "last", "only"])
async def test_a_broken_source_is_told_rather_than_not_found(
    broken: Scripted, error: type[SourceError], position: str
) -> None:
    """A post may well exist while a source that might have it is broken."""
    sources = {"first": [broken, Scripted()], "last": [Scripted(), broken], "only": [broken]}
    (answer,) = await chain(*sources[position]).fetch([A])
    assert type(answer) is error
    assert str(answer)


async def test_a_bug_is_not_told_to_the_caller() -> None:
    """What a source's own exception says stays in the log."""
    (answer,) = await chain(Scripted(RuntimeError("secret"))).fetch([A])
    assert "secret" not in str(answer)


async def test_not_found_is_only_what_every_source_says() -> None:
    (answer,) = await chain(Scripted(), Scripted()).fetch([A])
    assert isinstance(answer, NotFoundError)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([NotFoundError("no row"), OtherPlatformError("not mine"), NotFoundError("my hint")], 2),
        ([NotFoundError("no row"), OtherPlatformError("not mine")], 0),
        ([OtherPlatformError("not mine"), NotFoundError("my hint")], 1),
        ([SourceError("down"), NotFoundError("my hint"), OtherPlatformError("not mine")], 0),
    ],
)
async def test_of_what_isnt_there_the_posts_own_platform_tells(
    said: list[SentiserveError], told: int
) -> None:
    """Its source may know what to do; files come first, and know of all platforms a little."""
    (answer,) = await chain(*[Scripted({A: error}) for error in said]).fetch([A])
    assert answer is said[told]


async def test_a_caller_who_leaves_stops_the_search() -> None:
    """Cancelling a fetch is no source's failure: no other is asked."""
    first, second = Silent(), Scripted({A: post(A)})
    task = asyncio.create_task(Chain({"a": first, "b": second}, timeout=60).fetch([A]))
    await first.waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert second.asked == []


def test_the_first_source_that_knows_a_url_parses_it() -> None:
    sources = chain(Scripted(url="one"), Scripted(url="two"))
    assert sources.parse("one") == sources.parse("two") == A
    assert sources.parse("three") is None


async def test_all_sources_open_and_close_together() -> None:
    sources = [Scripted(), Scripted()]
    together = chain(*sources)
    await together.open()
    assert all(source.is_open for source in sources)
    await together.close()
    assert not any(source.is_open for source in sources)


GONE = [PostProtectedError("private"), PostDeletedError("gone")]


@pytest.mark.parametrize("error", GONE)
async def test_what_is_gone_is_not_asked_for_again_for_ten_minutes(error: SentiserveError) -> None:
    times = iter([1_000.0, 1_599.0, 1_601.0, 1_602.0])
    source = Scripted({A: error})
    remembering = Chain({"s": source}, timeout=60, clock=lambda: next(times))
    for _ in range(2):
        (answer,) = await remembering.fetch([A])
        assert type(answer) is type(error)
        assert str(answer) == str(error)
    assert source.asked == [[A]]
    await remembering.fetch([A])
    assert source.asked == [[A], [A]]


@pytest.mark.parametrize("error", [NotFoundError("no"), QuotaExhaustedError("later"), None])
async def test_nothing_else_is_remembered(error: SentiserveError | None) -> None:
    """What isn't there may come, what failed may work, and a post is for the store to keep."""
    source = Scripted({A: error or post(A)})
    remembering = chain(source)
    await remembering.fetch([A])
    await remembering.fetch([A])
    assert source.asked == [[A], [A]]


async def test_no_more_is_remembered_than_a_bounded_number_of_posts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chain_module, "_MOST_REMEMBERED", 2)
    source = Scripted(dict.fromkeys((A, B, C), PostDeletedError("gone")))
    remembering = chain(source)
    await remembering.fetch([A, B, C])
    await remembering.fetch([C, B])
    await remembering.fetch([A])
    assert source.asked == [[A, B, C], [A]]


async def test_posts_and_errors_are_counted_by_source() -> None:
    metrics = Metrics()
    first, second = Scripted({A: SourceError("down"), B: post(B)}), Scripted({A: post(A)})
    await Chain({"one": first, "two": second}, 1, metrics).fetch([A, B])
    said = metrics.exposition().decode()
    assert 'sentiserve_source_errors_total{error="SourceError",source="one"} 1.0' in said
    assert 'sentiserve_source_posts_total{source="one"} 1.0' in said
    assert 'sentiserve_source_posts_total{source="two"} 1.0' in said
