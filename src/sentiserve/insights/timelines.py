"""Sentiment over time, by the hour or the day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import ModelInfo, Step, Stretch, TimelineQuery

MAX_STRETCHES = 10_000  # in an answer, the newest: 27 years of days
_HOURS_SINCE = timedelta(days=7)  # where nothing else is asked


class Timelines:
    """Timelines of one model's predictions; a time without a zone is taken as UTC."""

    def __init__(self, store: Store, model: ModelInfo, timeout: float) -> None:
        """Take the open store, whose predictions count, and the seconds that it may take."""
        self._store = store
        self._model = model
        self._timeout = timeout

    async def timeline(
        self, *, step: Step, hashtag: str | None = None, since: datetime | None = None
    ) -> Sequence[Stretch]:
        """The posts of each hour or day, oldest first, with a count for each of the model's labels.

        Stretches without posts are left out. Hours are those of the last 7 days, if not said
        otherwise; a hashtag is found in any case, with or without ``#``.

        Raises:
            StoreError: the store can't be used, or didn't answer in time.
        """
        if since is None and step is Step.HOUR:
            since = datetime.now(UTC) - _HOURS_SINCE
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        tag = None if hashtag is None else hashtag.removeprefix("#").casefold()
        query = TimelineQuery(self._model.id, step, tag, since)
        async with store_within(self._timeout, "ask for less"):
            found = await self._store.timeline(query)
        return [self._complete(stretch) for stretch in found[-MAX_STRETCHES:]]

    def _complete(self, stretch: Stretch) -> Stretch:
        return replace(stretch, counts=dict.fromkeys(self._model.labels, 0) | {**stretch.counts})
