"""Settings in, running parts out: the only place that knows every room."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sentiserve.batcher import Batcher, Limits
from sentiserve.cores import cores_each
from sentiserve.errors import SettingsError
from sentiserve.features.online import OnlineFeatures
from sentiserve.features.store import FeatureStore
from sentiserve.forgetting import Forgetting
from sentiserve.history.history import History
from sentiserve.history.upkeep import Upkeep
from sentiserve.inference import Inference
from sentiserve.insights.aggregates import Aggregates
from sentiserve.insights.findings import Drift
from sentiserve.insights.newest import Newest
from sentiserve.insights.report import Report, Wanted, gather
from sentiserve.insights.timelines import Timelines
from sentiserve.insights.watch import DriftWatch, Reference
from sentiserve.journal.journal import Journal
from sentiserve.journal.place import place
from sentiserve.judging import Judging
from sentiserve.metrics import Metrics
from sentiserve.models.bundle import open_bundle
from sentiserve.models.locations import locate
from sentiserve.models.registry import load_model, model_loader
from sentiserve.models.remote import OnProgress, quiet
from sentiserve.protocols import Model, Store
from sentiserve.recorder import Recorder
from sentiserve.settings import Settings
from sentiserve.sources.chain import Chain
from sentiserve.sources.registry import make_source
from sentiserve.store.registry import make_store, missing_file
from sentiserve.store.trial import try_store
from sentiserve.types import FeedKind, ModelInfo

_PATIENT = 60.0  # seconds that a source may take for a hundred posts, when nobody waits for them
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


def build_model(settings: Settings, on_progress: OnProgress = quiet) -> Model:
    """The model that the settings name, ready to predict; pulled first if it is elsewhere.

    Raises:
        BundleError: its bundle is not whole, or can't be had.
    """
    return load_model(locate(settings.model, on_progress), settings.threads)


@contextmanager
def loading_model(settings: Settings) -> Iterator[Future[Model]]:
    """The model for a service, on a thread; meanwhile the rest can be imported and opened.

    The thread ends with the block: whoever fails meanwhile waits for it.

    Raises:
        SentiserveError: there is no such bundle, or no engine for it.
    """
    # Inferences side by side on a core each give more than one on all cores after the other.
    loader = model_loader(locate(settings.model), settings.threads or 1)
    thread = ThreadPoolExecutor(1, "loading")
    model = thread.submit(loader)
    thread.shutdown(wait=False)
    try:
        yield model
    finally:
        thread.shutdown()


def with_local_model(settings: Settings) -> Settings:
    """The settings with their model on this machine; a pull may take minutes.

    Raises:
        BundleError: it can't be had.
    """
    return settings.model_copy(update={"model": str(locate(settings.model))})


def build_store(settings: Settings) -> Store:
    """The store that the settings name, not yet opened."""
    return make_store(settings.store, settings.ttl)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store that the settings name, by itself.

    Raises:
        StoreError: it can't be used.
    """
    store = build_store(settings)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_existing_store(settings: Settings) -> AsyncIterator[Store]:
    """The store that the settings name, if it is there already: for what only looks or forgets.

    Raises:
        SettingsError: its file isn't there.
        StoreError: it can't be used.
    """
    if (file := missing_file(settings.store)) is not None:
        raise SettingsError(
            f"there is no store at {file}; name another with SENTISERVE_STORE, "
            "or let sentiserve serve create it"
        )
    async with opened_store(settings) as store:
        yield store


@asynccontextmanager
async def opened_forgetting(settings: Settings) -> AsyncIterator[Forgetting]:
    """What forgets, without a service.

    Raises:
        SettingsError: the store's file isn't there.
        StoreError: the store can't be used.
    """
    async with opened_existing_store(settings) as store:
        history = build_history(settings)
        try:
            yield Forgetting(history, None, store)
        finally:
            if history is not None:
                await history.close()


@asynccontextmanager
async def feature_store(settings: Settings) -> AsyncIterator[FeatureStore]:
    """Features from the store and the history, without a service.

    Raises:
        SettingsError: the store's file isn't there.
        SentiserveError: the store or the model's bundle can't be used.
    """
    info = await asyncio.to_thread(model_info, settings)
    async with opened_existing_store(settings) as store:
        online = OnlineFeatures(store, info, settings.store_timeout)
        history = build_history(settings)
        try:
            yield FeatureStore(online, history, info, timedelta(seconds=settings.ttl))
        finally:
            if history is not None:
                await history.close()


async def report_now(settings: Settings, wanted: Wanted) -> Report:
    """What the store holds of the model that the settings name, without a service.

    Raises:
        SettingsError: the store's file isn't there.
        SentiserveError: the store or the model's bundle can't be used.
    """
    info = await asyncio.to_thread(model_info, settings)
    async with opened_existing_store(settings) as store:
        load = partial(drift_reference, settings)
        watch = DriftWatch(store, info, load, Metrics(), wanted.seconds)
        return await gather(store, info, watch, wanted)


async def check_store(settings: Settings) -> str:
    """Read and write the store as a service does, leaving nothing behind; which one that is.

    Raises:
        SentiserveError: it can't be used; the text says what to do.
    """
    if await try_store(settings.store, settings.ttl):
        return settings.shown_store
    return f"{settings.shown_store} (not there yet; sentiserve serve creates it)"


def build_history(settings: Settings) -> History | None:
    """The history that the settings name; None if they want none."""
    return None if settings.history == "off" else History(settings.history)


def need_history(settings: Settings) -> History:
    """The history that the settings name.

    Raises:
        SettingsError: they want none, or there is none.
    """
    history = build_history(settings)
    if history is None:
        raise SettingsError("there is no history: SENTISERVE_HISTORY is off; name its directory")
    if not history.directory.is_dir():
        raise SettingsError(
            f"there is no history at {history.directory}; name another with SENTISERVE_HISTORY"
        )
    return history


def model_info(settings: Settings) -> ModelInfo:
    """What the model that the settings name says of itself; it isn't loaded.

    Raises:
        BundleError: its bundle is not whole, or can't be had.
    """
    return open_bundle(locate(settings.model)).manifest.info


def drift_reference(settings: Settings) -> Reference:
    """What posts are held against, and what measures them: tokenizers take a tenth of a second.

    Raises:
        BundleError: the bundle is not whole, or its profile is none.
    """
    from sentiserve.models.profiling import load_reference

    return load_reference(open_bundle(locate(settings.model)))


async def drift_now(settings: Settings) -> Drift:
    """How the newest stored posts compare with the model's profile, without a service.

    Raises:
        SettingsError: the store's file isn't there.
        SentiserveError: the store or the model's bundle can't be used.
    """
    info = await asyncio.to_thread(model_info, settings)
    async with opened_existing_store(settings) as store:
        load = partial(drift_reference, settings)
        return await DriftWatch(store, info, load, Metrics(), settings.store_timeout).look()


def build_journal(settings: Settings) -> Journal | None:
    """The journal of the store that the settings name, not yet opened; None if they want none."""
    if settings.durability == "none":
        return None
    return Journal(
        place(settings.journal, settings.store),
        fsync=settings.durability == "fsync",
        max_bytes=settings.max_journal,
    )


def build_source(settings: Settings, metrics: Metrics) -> Chain:
    """The sources that the settings name, as one, not yet opened."""
    sources = {name: make_source(name, settings) for name in settings.sources}
    return Chain(sources, settings.source_timeout, metrics)


def with_platforms_only(settings: Settings) -> Settings:
    """The settings without sources that only repeat what platforms said once; patient ones.

    Raises:
        SettingsError: no source is left.
    """
    sources = tuple(name for name in settings.sources if name != "archive")
    if not sources:
        raise SettingsError(
            "no source asks a platform: SENTISERVE_SOURCES names the archive alone; add some, "
            "archive,oembed,bluesky,mastodon say"
        )
    patient = max(settings.source_timeout, _PATIENT)
    return settings.model_copy(update={"sources": sources, "source_timeout": patient})


def choose_feed(settings: Settings, kind: FeedKind) -> str:
    """The name of the first source that gives posts in such a sequence.

    Raises:
        SettingsError: a source can't be made.
        BadInputError: none does.
    """
    name, _ = build_source(settings, Metrics()).feed(kind)
    return name


def _limits(settings: Settings) -> Limits:
    wait = (settings.max_wait, settings.max_bulk_wait)
    inferences = max(1, cores_each(settings.workers) // (settings.threads or 1))
    return Limits(settings.max_batch_tokens, settings.max_queue, wait, inferences=inferences)


@asynccontextmanager
async def running(
    settings: Settings, metrics: Metrics, loading: Future[Model] | None = None
) -> AsyncIterator[Parts]:
    """Every part, open; closed in the reverse order, so that what waits is still recorded.

    Args:
        settings: what they are made by.
        metrics: where they count.
        loading: the model, if somebody loads it already.

    Raises:
        SentiserveError: a part can't start; the text says what to do.
    """
    async with AsyncExitStack() as stack:
        source, store = build_source(settings, metrics), build_store(settings)
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
