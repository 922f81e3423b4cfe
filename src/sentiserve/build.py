"""Settings in, running parts out: the only place that knows every room."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sentiserve.batcher import Batcher, Limits
from sentiserve.cores import cores_each
from sentiserve.features.online import OnlineFeatures
from sentiserve.forgetting import Forgetting
from sentiserve.history.history import History
from sentiserve.history.upkeep import Upkeep
from sentiserve.inference import Inference
from sentiserve.insights.aggregates import Aggregates
from sentiserve.insights.newest import Newest
from sentiserve.insights.timelines import Timelines
from sentiserve.insights.watch import DriftWatch
from sentiserve.judging import Judging
from sentiserve.metrics import Metrics
from sentiserve.parts.history import build_history, build_journal, need_history
from sentiserve.parts.model import (
    build_model,
    drift_reference,
    loading_model,
    model_info,
    with_local_model,
)
from sentiserve.parts.sources import build_source, choose_feed, with_platforms_only
from sentiserve.parts.store import (
    build_store,
    check_store,
    drift_now,
    feature_store,
    late_store,
    opened_existing_store,
    opened_forgetting,
    opened_store,
    report_now,
)
from sentiserve.protocols import Model, Store
from sentiserve.recorder import Recorder
from sentiserve.settings import Settings
from sentiserve.sources.chain import Chain
from sentiserve.types import ModelInfo

__all__ = [
    "Parts",
    "build_history",
    "build_model",
    "check_store",
    "choose_feed",
    "drift_now",
    "feature_store",
    "loading_model",
    "model_info",
    "need_history",
    "opened_existing_store",
    "opened_forgetting",
    "opened_store",
    "report_now",
    "running",
    "with_local_model",
    "with_platforms_only",
]

_CHECK = 0.5  # seconds; whoever asks after readiness commonly waits for one


@dataclass(frozen=True, slots=True)
class Parts:
    """All that a running service consists of."""

    model: ModelInfo
    source: Chain
    store: Store
    batcher: Batcher
    recorder: Recorder
    inference: Inference
    judging: Judging
    aggregates: Aggregates
    timelines: Timelines
    newest: Newest
    drift: DriftWatch
    features: OnlineFeatures
    forgetting: Forgetting
    history: History | None

    async def check(self) -> dict[str, str]:
        """``"ok"`` for each dependency, or what is wrong with it, within half a second."""
        try:
            async with asyncio.timeout(_CHECK):
                await self.store.check()
            store = "ok"
        except TimeoutError:
            store = f"no answer within {_CHECK} s"
        except Exception as error:  # noqa: BLE001  # whatever it is, it is not ok
            store = str(error) or repr(error)
        model = self.batcher.error or "ok"
        return {"model": model, "store": store, **self.recorder.errors}


@asynccontextmanager
async def running(
    settings: Settings,
    metrics: Metrics,
    loading: Future[Model] | None = None,
    *,
    store_may_be_down: bool = False,
) -> AsyncIterator[Parts]:
    """Every part, open; closed in the reverse order, so that what waits is still recorded.

    Args:
        settings: what they are made by.
        metrics: where they count.
        loading: the model, if somebody loads it already.
        store_may_be_down: whether to begin without it then, and use it as soon as it is there.

    Raises:
        SentiserveError: a part can't start; the text says what to do.
    """
    async with AsyncExitStack() as stack:
        source, store = build_source(settings, metrics), build_store(settings)
        if store_may_be_down:
            store = late_store(store, metrics)
        stack.push_async_callback(store.close)
        await store.open()
        stack.push_async_callback(source.close)
        await source.open()
        model = await asyncio.wrap_future(loading or stack.enter_context(loading_model(settings)))
        metrics.model.info({"id": model.info.id})
        history, journal = build_history(settings), build_journal(settings)
        if history is not None:
            stack.push_async_callback(history.close)
            history.check_labels(model.info.labels)
        recorder = Recorder(store, metrics, settings.max_records, journal, history)
        stack.push_async_callback(recorder.close, settings.drain_timeout)
        await recorder.open()
        forgetting = Forgetting(history, recorder, store)
        stack.push_async_callback(forgetting.close)
        await forgetting.open()
        upkeep = Upkeep(history)
        stack.push_async_callback(upkeep.close)
        await upkeep.open()
        batcher = Batcher(model, metrics, _limits(settings))
        stack.push_async_callback(batcher.close)
        await batcher.open()
        patience = settings.store_timeout
        inference = Inference(source, store, batcher, recorder, model.info, metrics, patience)
        drift = DriftWatch(store, model.info, partial(drift_reference, settings), metrics, patience)
        stack.push_async_callback(drift.close)
        await drift.open()
        yield Parts(
            model=model.info,
            source=source,
            store=store,
            batcher=batcher,
            recorder=recorder,
            inference=inference,
            judging=Judging(inference, store, model.info, patience),
            aggregates=Aggregates(store, model.info.id, patience),
            timelines=Timelines(store, model.info, patience),
            newest=Newest(store, model.info.id, patience),
            features=OnlineFeatures(store, model.info, patience),
            drift=drift,
            forgetting=forgetting,
            history=history,
        )


def _limits(settings: Settings) -> Limits:
    wait = (settings.max_wait, settings.max_bulk_wait)
    inferences = max(1, cores_each(settings.workers) // (settings.threads or 1))
    return Limits(settings.max_batch_tokens, settings.max_queue, wait, inferences=inferences)
