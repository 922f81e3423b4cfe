"""Judging: the true labels of posts, by people who have read them, beside what was predicted."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.inference import Inference, Text, Url
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Feedback, Judgement, ModelInfo, PostRef

Given = tuple[Text | Url | PostRef, str]
"""Which post, and its true label."""


class Judging:
    """Takes true labels of posts of which a prediction is kept, or on its way to the store."""

    def __init__(
        self, inference: Inference, store: Store, model: ModelInfo, timeout: float
    ) -> None:
        """Take the parts, all of them open, and the seconds that the store may take."""
        self._inference = inference
        self._store = store
        self._labels = model.labels
        self._timeout = timeout

    async def judge(
        self, given: Sequence[Given | SentiserveError]
    ) -> list[Judgement | SentiserveError]:
        """A judgement for each, in order, once the store has it; a bad one fails alone.

        Raises:
            StoreError: the store can't be used, or didn't answer in time; nothing is judged.
        """
        checked = [self._checked(one) for one in given]
        good = [one for one in checked if not isinstance(one, SentiserveError)]
        async with store_within(self._timeout, "give fewer at once"):
            found = await self._judged(good)
        outcomes = iter(found)
        return [one if isinstance(one, SentiserveError) else next(outcomes) for one in checked]

    async def _judged(self, given: Sequence[Given]) -> list[Judgement | SentiserveError]:
        now = datetime.now(UTC)
        kept = await self._inference.kept([question for question, _ in given])
        found = [
            one
            if isinstance(one, SentiserveError)
            else Judgement(one, Feedback(one.post.ref, label, now))
            for one, (_, label) in zip(kept, given, strict=True)
        ]
        if feedback := [one.feedback for one in found if isinstance(one, Judgement)]:
            await self._store.judge(feedback)
        return found

    def _checked(self, given: Given | SentiserveError) -> Given | SentiserveError:
        if isinstance(given, SentiserveError) or given[1] in self._labels:
            return given
        return BadInputError(f"the model has no such label; it has {', '.join(self._labels)}")
