"""The store that the settings name, and what is done with it without a service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from sentiserve.errors import SettingsError
from sentiserve.features.online import OnlineFeatures
from sentiserve.features.store import FeatureStore
from sentiserve.forgetting import Forgetting
from sentiserve.insights.findings import Drift
from sentiserve.insights.report import Report, Wanted, gather
from sentiserve.insights.watch import DriftWatch
from sentiserve.metrics import Metrics
from sentiserve.parts.history import build_history
from sentiserve.parts.model import drift_reference, model_info
from sentiserve.protocols import Store
from sentiserve.settings import Settings
from sentiserve.store.late import LateStore
from sentiserve.store.registry import make_store, missing_file
from sentiserve.store.trial import try_store


def build_store(settings: Settings) -> Store:
    """The store that the settings name, not yet opened."""
    return make_store(settings.store, settings.ttl)


def late_store(store: Store, metrics: Metrics) -> Store:
    """The same store, which may be down when it is opened, and is used once it is there."""
    return LateStore(store, metrics)


async def check_store(settings: Settings) -> str:
    """Read and write the store as a service does, leaving nothing behind; which one that is.

    Raises:
        SentiserveError: it can't be used; the text says what to do.
    """
    if await try_store(settings.store, settings.ttl):
        return settings.shown_store
    return f"{settings.shown_store} (not there yet; sentiserve serve creates it)"


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
