"""A store that is down when it is first opened, and there later."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis_server import PATIENCE, RedisServer, password
from structlog.testing import capture_logs

from sentiserve.errors import StoreDownError, StoreError
from sentiserve.metrics import Metrics
from sentiserve.store.late import LateStore
from sentiserve.store.memory import MemoryStore
from sentiserve.store.redis import from_url
from sentiserve.testing import StoreContract, example_prediction

DAY = 24 * 60 * 60
MODEL = "model-1"


class TestLateStore(StoreContract):
    """What it stands for a store, it does as that store."""

    def make_store(self, tmp_path: Path, ttl: int) -> LateStore:  # needs no file
        return LateStore(MemoryStore(ttl), Metrics())


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """One that isn't there yet."""
    with RedisServer() as started:
        started.stop()
        yield started


async def until(so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():
            await asyncio.sleep(0.02)


async def is_there(store: LateStore) -> bool:
    try:
        await store.check()
    except StoreDownError:
        return False
    return True


async def until_there(store: LateStore) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await is_there(store):
            await asyncio.sleep(0.02)


def tries(metrics: Metrics) -> float:
    found = (s for m in metrics.store_errors.collect() for s in m.samples)
    return sum(sample.value for sample in found if sample.labels["operation"] == "open")


async def test_a_server_that_starts_later_is_used_once_it_is_there(server: RedisServer) -> None:
    """Until then calls say why; the log says it once, and the metrics count each try."""
    metrics = Metrics()
    store = LateStore(from_url(server.url, DAY), metrics)
    with capture_logs() as logs:
        await store.open()
        prediction = example_prediction()
        with pytest.raises(StoreDownError, match="it cannot be reached.*start it"):
            await store.put([prediction])
        await until(lambda: tries(metrics) >= 3)
        server.start()
        await until_there(store)
        await store.put([prediction])
        assert await store.get([prediction.post.ref], MODEL) == [prediction]
        await store.close()
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("warning", "store can't be opened, going on without it"),
        ("info", "store works again"),
    ]


async def test_what_is_wrong_with_a_server_that_came_is_told_and_may_be_mended(
    server: RedisServer,
) -> None:
    """One that refuses the login stays unused and is named so; the same without it is used."""
    metrics = Metrics()
    store = LateStore(from_url(server.url, DAY), metrics)
    with capture_logs() as logs:
        await store.open()
        server.options = ("--requirepass", password())
        server.start()
        await until(lambda: len(logs) == 2)
        with pytest.raises(StoreDownError, match="refuses the login"):
            await store.check()
        server.stop()
        server.options = ()
        server.start()
        await until_there(store)
        await store.close()
    assert "refuses the login" in logs[1]["error"]


async def test_closing_ends_the_tries(server: RedisServer) -> None:
    """Nobody opens a store behind the back of whoever closed it."""
    store = LateStore(from_url(server.url, DAY), Metrics())
    await store.open()
    await store.close()
    server.start()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    with closing(server.client()) as client:
        assert len(client.client_list()) == 1


async def test_a_server_that_is_there_and_will_not_do_is_refused(server: RedisServer) -> None:
    """Waiting wouldn't help where a setting is wrong."""
    server.options = ("--requirepass", password())
    server.start()
    metrics = Metrics()
    store = LateStore(from_url(server.url, DAY), metrics)
    with pytest.raises(StoreError, match="refuses the login") as caught:
        await store.open()
    assert not isinstance(caught.value, StoreDownError)
    assert tries(metrics) == 0
    await store.close()
