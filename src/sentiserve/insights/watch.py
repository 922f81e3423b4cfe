"""The newest posts watched for drift while a service runs, and compared when somebody asks."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from sentiserve.insights.drift import WINDOW, drift
from sentiserve.insights.findings import Drift
from sentiserve.metrics import Metrics
from sentiserve.profile import Measure, Profile
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Judgement, ModelInfo, Prediction

_log = structlog.get_logger(__name__)
_PERIOD = 60  # seconds between two looks
Reference = tuple[Profile | None, Measure]
_Window = tuple[Sequence[Prediction], Sequence[Judgement]]


class DriftWatch:
    """Compares what the store holds last with the model's profile; the store keeps all of it.

    Whoever asks the same store says the same, so workers and the report agree.
    """

    def __init__(
        self,
        store: Store,
        info: ModelInfo,
        load: Callable[[], Reference],
        metrics: Metrics,
        timeout: float,
    ) -> None:
        """Take the open store, the model, and the seconds that the store may take.

        Args:
            store: holds the posts and their true labels.
            info: of the model whose predictions count.
            load: reads the profile, and what measures texts, on a thread.
            metrics: where the newest comparison is shown.
            timeout: seconds.
        """
        self._store, self._info, self._load = store, info, load
        self._metrics, self._timeout = metrics, timeout
        self._reference: Reference | None = None
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[object, Drift] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to look, in the background."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> Drift:
        """How the newest posts compare with the profile now.

        Raises:
            BundleError: the profile can't be read.
            StoreError: the store can't be used, or didn't answer in time.
        """
        async with self._one_at_a_time:  # measuring takes a core for a tenth of a second
            if self._reference is None:
                self._reference = await asyncio.to_thread(self._load)
            window = await self._window()
            seen = _what_is_seen(window)
            if self._last is None or self._last[0] != seen:
                found = await asyncio.to_thread(self._compare, window, *self._reference)
                self._metrics.drifted(
                    found.posts, {f.feature: (f.effect, f.drifted) for f in found.findings}
                )
                self._last = seen, found
            return self._last[1]

    async def _window(self) -> _Window:
        async with store_within(self._timeout, "try again"):
            predictions = await self._store.recent(self._info.id, WINDOW)
            return predictions, await self._store.judgements(self._info.id, WINDOW)

    def _compare(self, window: _Window, profile: Profile | None, measure: Measure) -> Drift:
        return drift(self._info, profile, *window, measure)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  # whatever it is, it may be over next time
                _log.warning("drift can't be told", error=str(error) or repr(error))
            await asyncio.sleep(_PERIOD)


def _what_is_seen(window: _Window) -> object:
    """The same for the same posts and true labels, in any order."""
    predictions, judgements = window
    return (
        {(said.post.ref, said.predicted_at) for said in predictions},
        {(judgement.prediction.post.ref, judgement.feedback) for judgement in judgements},
    )
