"""What came last: predictions, and true labels beside what was predicted."""

from collections.abc import Sequence

from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Judgement, Prediction


class Newest:
    """The newest of one model."""

    def __init__(self, store: Store, model_id: str, timeout: float) -> None:
        """Take the open store, whose predictions are wanted, and the seconds that it may take."""
        self._store = store
        self._model_id = model_id
        self._timeout = timeout

    async def predictions(self, limit: int) -> Sequence[Prediction]:
        """What was predicted last, newest first.

        Raises:
            StoreError: the store can't be used, or didn't answer in time.
        """
        async with store_within(self._timeout, "ask for fewer"):
            return await self._store.recent(self._model_id, limit)

    async def judgements(self, limit: int) -> Sequence[Judgement]:
        """The newest true labels, with what was predicted.

        Raises:
            StoreError: the store can't be used, or didn't answer in time.
        """
        async with store_within(self._timeout, "ask for fewer"):
            return await self._store.judgements(self._model_id, limit)
