"""The store in memory."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentiserve.store import memory
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import StoreContract, example_prediction
from sentiserve.types import Author, Hashtag, Post


class TestMemoryStore(StoreContract):
    def make_store(self, tmp_path: Path, ttl: int) -> MemoryStore:  # needs no file
        return MemoryStore(ttl)


async def test_the_first_written_go_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its capacity the store forgets what was written first, and keeps the rest."""
    monkeypatch.setattr(memory, "CAPACITY", 3)
    store = MemoryStore(60)
    written = [example_prediction(f"{number}") for number in range(5)]
    for prediction in written:
        await store.put([prediction])
    found = await store.get([prediction.post.ref for prediction in written], "model-1")
    assert found == [None, None, *written[2:]]


async def test_windows_look_once_at_each_post_and_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many entities cost no more looks than one, and none of them holds up the event loop."""
    store, looks = MemoryStore(60), list[int]()
    find = Post.__dict__["entities"].fget
    await store.put([example_prediction(f"{n}", text=f"#t{n}") for n in range(50)])

    def entities(post: Post) -> tuple[Author | Hashtag, ...]:
        looks.append(threading.get_ident())
        found: tuple[Author | Hashtag, ...] = find(post)
        return found

    monkeypatch.setattr(Post, "entities", property(entities))
    asked = [Hashtag(f"t{n}") for n in range(100)]
    spans = [timedelta(days=days) for days in (1, 7, 30)]
    found = await store.windows(asked, "model-1", spans, datetime.now(UTC))
    assert [row[0] is not None for row in found] == [True] * 50 + [False] * 50
    assert len(looks) == 50
    assert threading.get_ident() not in looks


async def test_closing_forgets() -> None:
    """Nothing outlives the store."""
    store = MemoryStore(60)
    prediction = example_prediction(predicted_at=datetime.now(UTC) - timedelta(seconds=1))
    await store.put([prediction])
    await store.close()
    assert await store.get([prediction.post.ref], "model-1") == [None]
