"""The flow, with the published fakes around it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from sentiserve.batcher import Batcher, Limits
from sentiserve.errors import (
    BadInputError,
    ModelError,
    NotFoundError,
    OverloadedError,
    SentiserveError,
    SourceError,
    StoreError,
    UnknownURLError,
)
from sentiserve.inference import Answer, Inference, Outcome, Question, Text, Url
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.memory import MemoryStore
from sentiserve.testing.fakes import FakeModel, FakeSource
from sentiserve.timing import Timing
from sentiserve.types import Post, PostRef, Prediction, Sentiment

POSTS = {f"url:{i}": Post(PostRef("fake", str(i)), f"post number {i}") for i in range(20)}


class BreakableStore(MemoryStore):
    """A memory store whose reads fail while it is broken."""

    broken = False

    async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
        if self.broken:
            raise StoreError("the store is away")
        return await super().get(refs, model_id)


@dataclass
class House:
    """The parts of a running flow."""

    source: FakeSource
    store: BreakableStore
    model: FakeModel
    recorder: Recorder
    metrics: Metrics
    inference: Inference

    async def ask(self, *questions: Question) -> list[Outcome]:
        outcomes, _ = await self.inference.answer(questions)
        return outcomes

    async def ask_one(self, question: Question) -> Answer:
        (outcome,) = await self.ask(question)
        assert isinstance(outcome, Answer), outcome
        return outcome

    async def until_asked(self) -> None:
        while not self.model.batches:
            await asyncio.sleep(0)


_LIMITS = Limits(texts=100, batch_seconds=float("inf"))


@asynccontextmanager
async def house(
    max_records: int = 1_000, limits: Limits = _LIMITS, store_timeout: float = 60.0
) -> AsyncIterator[House]:
    metrics, model = Metrics(), FakeModel()
    source, store = FakeSource(POSTS), BreakableStore(ttl=60)
    recorder = Recorder(store, metrics, max_records)
    await recorder.open()
    batcher = Batcher(model, metrics, limits)
    await batcher.open()
    model.batches.clear()
    inference = Inference(
        source, store, batcher, recorder, model.info, metrics, store_timeout=store_timeout
    )
    try:
        yield House(source, store, model, recorder, metrics, inference)
    finally:
        model.free.set()
        await batcher.close()
        await recorder.close(60)


def hold(model: FakeModel, text: str) -> None:
    """Let the model answer everything but this text, until it is set free."""
    predict, model.free = model.predict, threading.Event()

    def held(texts: Sequence[str]) -> list[Sentiment]:
        if text not in texts:
            return [model.sentiment(each) for each in texts]
        return predict(texts)

    model.predict = held  # type: ignore[method-assign]


def error_in(outcome: Outcome) -> SentiserveError:
    assert isinstance(outcome, SentiserveError), outcome
    return outcome


async def test_a_post_is_fetched_predicted_and_answered() -> None:
    async with house() as parts:
        answer = await parts.ask_one(Url("url:7"))
    assert answer.prediction.post == POSTS["url:7"]
    assert answer.prediction.sentiment == parts.model.sentiment("post number 7")
    assert answer.prediction.model_id == parts.model.info.id
    assert not answer.cached


async def test_the_second_time_neither_source_nor_model_is_asked() -> None:
    async with house() as parts:
        first = await parts.ask_one(Url("url:7"))
        second = await parts.ask_one(Url("url:7"))
    assert second == Answer(first.prediction, cached=True)
    assert len(parts.source.fetched) == len(parts.model.batches) == 1


async def test_who_asks_just_before_it_lands_does_not_fetch_it_again() -> None:
    question = Url("url:7")
    async with house() as parts:
        parts.model.free.clear()
        first = asyncio.create_task(parts.ask_one(question))
        await parts.until_asked()
        answer, looked_up = await parts.inference.remembered(question, Timing())
        assert answer is None
        parts.model.free.set()
        await first
        (second,), _ = await parts.inference.answer([question], looked_up=looked_up)
    assert isinstance(second, Answer)
    assert second.cached
    assert len(parts.source.fetched) == len(parts.model.batches) == 1


async def test_a_text_is_remembered_like_a_post() -> None:
    async with house() as parts:
        assert not (await parts.ask_one(Text("hello"))).cached
        assert (await parts.ask_one(Text("hello"))).cached
        assert not (await parts.ask_one(Text("Hello"))).cached


async def test_another_models_answer_is_never_served() -> None:
    async with house() as parts:
        stale = Prediction(
            POSTS["url:1"], Sentiment({"negative": 1.0}), "older model", datetime.now(UTC)
        )
        await parts.store.put([stale])
        assert not (await parts.ask_one(Url("url:1"))).cached


async def test_many_questions_at_once_make_one_call_of_the_source() -> None:
    async with house() as parts:
        outcomes = await parts.ask(*map(Url, POSTS))
    assert [o.prediction.post for o in outcomes if isinstance(o, Answer)] == list(POSTS.values())
    assert parts.source.fetched == [[post.ref for post in POSTS.values()]]


async def test_a_thousand_callers_of_one_post_share_one_answer() -> None:
    async with house() as parts:
        parts.model.free.clear()
        callers = [asyncio.create_task(parts.ask_one(Url("url:3"))) for _ in range(1_000)]
        await parts.until_asked()
        parts.model.free.set()
        answers = await asyncio.gather(*callers)
    assert len(answers) == 1_000
    assert len({id(answer) for answer in answers}) == 1
    assert len(parts.source.fetched) == len(parts.model.batches) == 1


async def test_a_caller_who_leaves_does_not_stop_the_others() -> None:
    async with house() as parts:
        parts.model.free.clear()
        leaving, staying = (asyncio.create_task(parts.ask_one(Url("url:3"))) for _ in range(2))
        await parts.until_asked()
        leaving.cancel()
        parts.model.free.set()
        assert (await staying).prediction.post == POSTS["url:3"]


async def test_the_same_question_twice_in_one_call_is_answered_twice() -> None:
    async with house() as parts:
        first, second = await parts.ask(Url("url:1"), Url("url:1"))
    assert first == second
    assert len(parts.source.fetched) == 1


async def test_a_bad_question_leaves_its_neighbours_alone() -> None:
    async with house() as parts:
        outcomes = await parts.ask(
            Url("url:1"),
            Url("what?"),
            Text(" "),
            Url("missing:none"),
            Url("x" * 3_000),
            Text("good"),
        )
    assert [type(outcome) for outcome in outcomes] == [
        Answer,
        UnknownURLError,
        BadInputError,
        NotFoundError,
        BadInputError,
        Answer,
    ]


async def test_without_its_store_the_service_still_answers_and_counts_it() -> None:
    async with house() as parts:
        parts.store.broken = True
        assert not (await parts.ask_one(Url("url:1"))).cached
        parts.store.broken = False
        assert (await parts.ask_one(Url("url:1"))).cached
    assert b'sentiserve_store_errors_total{operation="get"} 1.0' in parts.metrics.exposition()


async def test_without_its_source_the_service_still_answers_what_it_remembers() -> None:
    async with house() as parts:
        await parts.ask_one(Url("url:1"))
        parts.source.error = SourceError("the source is away")
        remembered, new, text = await parts.ask(Url("url:1"), Url("url:2"), Text("a text"))
    assert isinstance(remembered, Answer)
    assert isinstance(new, SourceError)
    assert isinstance(text, Answer)


async def test_a_failing_model_is_an_error_for_what_is_not_remembered() -> None:
    async with house() as parts:
        await parts.ask_one(Text("known"))
        parts.model.error = RuntimeError("broken")
        known, new = await parts.ask(Text("known"), Text("new"))
        assert isinstance(known, Answer)
        assert isinstance(new, ModelError)
        parts.model.error = None
        assert not (await parts.ask_one(Text("new"))).cached  # the failure was not remembered


async def test_a_bug_in_a_part_is_an_error_without_internals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house() as parts:
        monkeypatch.setattr(parts.recorder, "room", None)
        (outcome,) = await parts.ask(Text("a text"))
    assert type(error_in(outcome)) is SentiserveError
    assert "NoneType" not in str(outcome)


async def test_more_texts_than_fit_the_queue_are_refused_one_by_one() -> None:
    async with house(limits=Limits(texts=5)) as parts:
        outcomes = await parts.ask(*[Text(f"text {i}") for i in range(20)])
    assert sum(isinstance(o, Answer) for o in outcomes) == 5
    assert sum(isinstance(o, OverloadedError) for o in outcomes) == 15


async def test_more_records_than_fit_are_refused_before_the_model_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house(max_records=2) as parts:

        async def never(predictions: Sequence[Prediction]) -> None:
            raise StoreError("the store is away")

        monkeypatch.setattr("sentiserve.timing._FIRST_PAUSE", 0.001)
        put = parts.store.put
        monkeypatch.setattr(parts.store, "put", never)
        await parts.ask_one(Text("one"))
        await parts.ask_one(Text("two"))
        (outcome,) = await parts.ask(Text("three"))
        assert isinstance(outcome, OverloadedError)
        assert (await parts.ask_one(Text("one"))).cached
        monkeypatch.setattr(parts.store, "put", put)


async def test_what_the_journal_refuses_is_not_answered_and_hits_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house() as parts:
        await parts.ask_one(Text("known"))

        async def refuse(_: Prediction) -> None:
            raise StoreError("no space left on the journal's device")

        monkeypatch.setattr(parts.recorder, "put", refuse)
        new, known = await parts.ask(Text("new"), Text("known"))
    assert isinstance(new, StoreError)
    assert isinstance(known, Answer)
    assert b'predictions_total{outcome="refused"} 1.0' in parts.metrics.exposition()


async def test_everything_answered_is_in_the_store_at_the_end() -> None:
    async with house() as parts:
        await parts.ask(*map(Url, POSTS))
        await parts.recorder.close(60)
        found = await parts.store.get([p.ref for p in POSTS.values()], parts.model.info.id)
    assert all(prediction is not None for prediction in found)


async def test_the_time_of_each_part_is_told() -> None:
    async with house() as parts:
        _, miss = await parts.inference.answer([Url("url:1")])
        _, hit = await parts.inference.answer([Url("url:1")])
    assert set(miss.seconds) == {"store", "source", "queue", "model"}
    assert set(hit.seconds) == {"store"}


async def test_an_answered_post_is_remembered_while_its_neighbour_waits() -> None:
    async with house(limits=Limits(batch_tokens=1)) as parts:
        hold(parts.model, "post number 2")
        both = asyncio.create_task(parts.ask(Url("url:1"), Url("url:2")))
        await asyncio.sleep(0)  # both are one flight from here on
        async with asyncio.timeout(60):
            while not (await parts.ask_one(Url("url:1"))).cached:
                await asyncio.sleep(0)
        assert not both.done()
        parts.model.free.set()
        await both


async def test_a_text_does_not_wait_for_the_source_of_its_neighbour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house() as parts:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def slow(refs: Sequence[PostRef]) -> list[Post]:
            asked.set()
            await answer.wait()
            return [POSTS["url:1"] for _ in refs]

        monkeypatch.setattr(parts.source, "fetch", slow)
        both = asyncio.create_task(parts.ask(Text("hello"), Url("url:1")))
        await asked.wait()
        async with asyncio.timeout(60):
            await parts.ask_one(Text("hello"))
        assert not both.done()
        answer.set()
        assert all(isinstance(outcome, Answer) for outcome in await both)


async def test_a_store_that_hangs_or_miscounts_costs_only_its_hits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house(store_timeout=0.2) as parts:

        async def hang(refs: Sequence[PostRef], model_id: str) -> list[None]:
            await asyncio.sleep(60)
            return []

        async def miscount(refs: Sequence[PostRef], model_id: str) -> list[None]:
            return []

        for number, get in enumerate((hang, miscount)):
            monkeypatch.setattr(parts.store, "get", get)
            assert not (await parts.ask_one(Text(f"text {number}"))).cached
    assert b'sentiserve_store_errors_total{operation="get"} 2.0' in parts.metrics.exposition()


async def test_a_post_at_hand_is_predicted_and_recorded_without_being_fetched() -> None:
    async with house() as parts:
        answer = await parts.ask_one(POSTS["url:7"])
        again = await parts.ask_one(Url("url:7"))
    assert answer.prediction.post == POSTS["url:7"]
    assert not answer.cached
    assert again == Answer(answer.prediction, cached=True)
    assert parts.source.fetched == []


async def test_a_post_at_hand_that_is_remembered_costs_no_inference() -> None:
    async with house() as parts:
        await parts.ask_one(Url("url:7"))
        assert (await parts.ask_one(POSTS["url:7"])).cached
    assert len(parts.model.batches) == 1


async def test_a_post_at_hand_that_was_edited_is_predicted_anew() -> None:
    """From then on its latest version is what is remembered."""
    async with house() as parts:
        await parts.ask_one(Url("url:7"))
        edited = Post(POSTS["url:7"].ref, "another text")
        answer = await parts.ask_one(edited)
        assert answer.prediction.sentiment == parts.model.sentiment("another text")
        await parts.recorder.close(60)
        (kept,) = await parts.store.get([edited.ref], parts.model.info.id)
    assert not answer.cached
    assert kept == answer.prediction


async def test_a_post_at_hand_whose_text_cannot_be_classified_is_an_error() -> None:
    async with house() as parts:
        bad, good = await parts.ask(Post(PostRef("fake", "1"), " "), POSTS["url:2"])
    assert isinstance(bad, BadInputError)
    assert isinstance(good, Answer)


async def test_it_tells_what_is_kept_of_posts() -> None:
    """What is in the store or on the way there; it asks neither the source nor the model."""
    async with house() as parts:
        answer = await parts.ask_one(Url("url:1"))
        assert isinstance(answer, Answer)
        ref = POSTS["url:1"].ref
        asked: list[Question | PostRef] = [
            Url("url:1"),
            ref,
            Url("url:2"),
            Url("nowhere"),
            Text(""),
        ]
        first, same, *others = await parts.inference.kept(asked)
        assert first == same == answer.prediction
        other = POSTS["url:2"].ref
        assert await parts.inference.known([other, ref]) == [ref]
        kinds = [NotFoundError, UnknownURLError, BadInputError]
        assert [type(error) for error in others] == kinds
        parts.store.broken = True
        with pytest.raises(StoreError):
            await parts.inference.kept([ref])
