"""The store in memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentiserve.store import memory
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import StoreContract, example_prediction


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


async def test_closing_forgets() -> None:
    """Nothing outlives the store."""
    store = MemoryStore(60)
    prediction = example_prediction(predicted_at=datetime.now(UTC) - timedelta(seconds=1))
    await store.put([prediction])
    await store.close()
    assert await store.get([prediction.post.ref], "model-1") == [None]
