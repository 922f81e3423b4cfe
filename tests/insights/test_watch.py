"""A running service looks at its newest posts, and shows what it sees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from sentiserve.errors import StoreError, StoreTimeoutError
from sentiserve.insights.watch import DriftWatch
from sentiserve.metrics import Metrics
from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.profiling import load_reference
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.types import Feedback, Prediction

BUNDLE = open_bundle(default_bundle())
INFO = BUNDLE.manifest.info
POSTS = [
    example_prediction(
        str(i), text=f"Hoy no tengo ganas de salir de la casa número {i}", model_id=INFO.id
    )
    for i in range(250)
]


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore(ttl=86_400)
    await made.open()
    yield made
    await made.close()


def watch(store: MemoryStore, metrics: Metrics | None = None) -> DriftWatch:
    return DriftWatch(store, INFO, lambda: load_reference(BUNDLE), metrics or Metrics(), 5)


async def test_what_is_seen_is_shown_in_the_metrics(store: MemoryStore) -> None:
    """Spanish posts: the language has drifted, and each feature has its effect."""
    await store.put(POSTS)
    metrics = Metrics()
    found = await watch(store, metrics).look()
    assert "language" in found.drifted
    shown = metrics.exposition().decode()
    assert "sentiserve_drift_window_posts 250.0" in shown
    assert 'sentiserve_drift_alarm{feature="language"} 1.0' in shown
    assert 'sentiserve_drift_alarm{feature="emoji"} 0.0' in shown
    assert 'sentiserve_drift_effect{feature="language"}' in shown


async def test_features_that_can_no_longer_be_compared_are_no_longer_shown(
    store: MemoryStore,
) -> None:
    """An alarm doesn't outlive the posts that it was about."""
    await store.put(POSTS)
    metrics = Metrics()
    seeing = watch(store, metrics)
    await seeing.look()
    for post in POSTS:
        await store.forget(post.post.ref)
    assert (await seeing.look()).findings == ()
    assert "sentiserve_drift_alarm{" not in metrics.exposition().decode()


async def test_the_same_posts_are_measured_once(store: MemoryStore) -> None:
    """However often somebody asks; a new post or a new true label is measured."""
    await store.put(POSTS)
    measured: list[int] = []
    profile, measure = load_reference(BUNDLE)

    def counting(texts: Sequence[str]) -> object:
        measured.append(len(texts))
        return measure(texts)

    seeing = DriftWatch(store, INFO, lambda: (profile, counting), Metrics(), 5)  # type: ignore[arg-type,return-value]  # what it counts is what it was given
    first = await seeing.look()
    assert [*await asyncio.gather(seeing.look(), seeing.look())] == [first, first]
    assert measured == [250]
    await store.put([example_prediction("new", text="One more", model_id=INFO.id)])
    assert (await seeing.look()).posts == 251
    await store.judge([Feedback(POSTS[0].post.ref, "neutral", POSTS[0].predicted_at)])
    assert (await seeing.look()).judged == 1


async def test_it_looks_by_itself_and_stops(store: MemoryStore) -> None:
    """From the beginning, in the background."""
    await store.put(POSTS)
    metrics = Metrics()
    seeing = watch(store, metrics)
    await seeing.open()
    async with asyncio.timeout(60):
        while "sentiserve_drift_window_posts 250.0" not in metrics.exposition().decode():
            await asyncio.sleep(0.01)
    await seeing.close()
    await watch(store).close()  # harmless when never opened


class Failing(MemoryStore):
    """A store that can't say what is new, or doesn't come back."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(ttl=60)
        self._error = error

    async def recent(self, model_id: str, limit: int) -> list[Prediction]:
        if self._error is not None:
            raise self._error
        await asyncio.sleep(600)
        return []


async def test_a_store_that_fails_is_said_to_fail_and_asked_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The one who asks is told; the background says it in the log, and goes on."""
    seeing = watch(Failing(StoreError("it is gone")))
    with pytest.raises(StoreError, match="it is gone"):
        await seeing.look()
    await seeing.open()
    async with asyncio.timeout(60):
        while "drift can't be told" not in capsys.readouterr().out:
            await asyncio.sleep(0.01)
    await seeing.close()


async def test_a_store_that_is_slow_is_not_waited_for() -> None:
    """Only so long as the settings say."""
    seeing = DriftWatch(Failing(None), INFO, lambda: load_reference(BUNDLE), Metrics(), 0.01)
    with pytest.raises(StoreTimeoutError):
        await seeing.look()


async def test_a_model_without_a_profile_says_how_to_make_one(
    store: MemoryStore, bundle: Path
) -> None:
    """And shows how many posts there are."""
    manifest = BUNDLE.manifest
    files = {name: of for name, of in manifest.files.items() if name != "profile.json"}
    bare = msgspec.structs.replace(BUNDLE, manifest=msgspec.structs.replace(manifest, files=files))
    await store.put(POSTS)
    found = await DriftWatch(store, INFO, lambda: load_reference(bare), Metrics(), 5).look()
    assert (found.posts, found.findings) == (250, ())
    assert "sentiserve model profile" in found.notes[0]
