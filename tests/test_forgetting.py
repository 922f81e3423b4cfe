"""What is forgotten is gone from everywhere."""

import pytest

from sentiserve.errors import StoreError
from sentiserve.forgetting import Forgetting, Forgotten
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import Author, PostRef, Prefix

ANNA = Author("x", "7")


class Place:
    """Keeps what it was asked to forget, in the order of all places."""

    def __init__(self, name: str, asked: list[str], error: Exception | None = None) -> None:
        self.name, self.asked, self.error = name, asked, error

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        self.asked.append(self.name)
        if self.error:
            raise self.error
        return 3


async def filled() -> MemoryStore:
    store = MemoryStore(ttl=60)
    await store.put([example_prediction("1", author_id="7"), example_prediction("2")])
    return store


async def test_every_place_forgets_the_history_first() -> None:
    """It tells those who record, so that nothing comes back behind the store."""
    asked: list[str] = []
    store = await filled()
    forgetting = Forgetting(Place("history", asked), Place("waiting", asked), store)
    assert await forgetting.forget(ANNA) == Forgotten(online=1, offline=3)
    assert asked == ["history", "waiting"]
    assert await store.count() == {MODEL: 1}


async def test_a_place_that_fails_can_be_asked_again() -> None:
    asked: list[str] = []
    history = Place("history", asked, StoreError("the disk is full"))
    forgetting = Forgetting(history, None, await filled())
    with pytest.raises(StoreError, match="the disk is full"):
        await forgetting.forget(ANNA)
    history.error = None
    assert (await forgetting.forget(ANNA)).online == 1


async def test_a_store_alone_will_do() -> None:
    assert await Forgetting(None, None, await filled()).forget(ANNA) == Forgotten(1, 0)
