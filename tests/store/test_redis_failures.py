"""Redis when it fails, and when it is not what it should be."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from uuid import uuid4

import pytest
from redis.exceptions import ResponseError
from redis_server import PATIENCE, RedisCluster, RedisServer, password

from sentiserve.delivery import Delivery, Waiting
from sentiserve.errors import RefusedError, StoreDownError, StoreError
from sentiserve.metrics import Metrics
from sentiserve.records import Record
from sentiserve.store import redis_connection
from sentiserve.store.redis import RedisStore, from_url
from sentiserve.store.redis_connection import is_refusal
from sentiserve.testing import example_prediction
from sentiserve.types import AggregateQuery, Author, Entity, PostRef, Prefix

DAY = 24 * 60 * 60
MODEL = "model-1"
BOUND = 10.0  # seconds within which every call has ended


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as started:
        yield started


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisStore]:
    store = from_url(url, DAY)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def all_fail(store: RedisStore, why: str) -> None:
    """Every call is a StoreError, soon."""
    calls = [
        store.check(),
        store.get([PostRef("x", "1")], MODEL),
        store.put([example_prediction()]),
        store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL)),
        store.forget(PostRef("x", "1")),
        store.forget(Author("x", "1")),
        store.forget(Prefix("x")),
    ]
    start = time.monotonic()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - start < BOUND
    for outcome in outcomes:
        assert isinstance(outcome, StoreError)
        assert why in str(outcome)


@contextmanager
def impatient() -> Iterator[None]:
    """As where it is used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis_connection, "_PATIENCE", 4.0)
        yield


async def works(store: RedisStore) -> None:
    prediction = example_prediction(uuid4().hex)
    await store.put([prediction])
    assert await store.get([prediction.post.ref], MODEL) == [prediction]


async def test_a_stopped_server_fails_every_call_and_is_used_again(server: RedisServer) -> None:
    """While it is down all calls end in an error; when it is back they work by themselves."""
    async with opened(server.url) as store:
        await works(store)
        server.stop()
        await all_fail(store, "it cannot be reached")
        server.start()
        await works(store)


async def test_a_frozen_server_fails_every_call_in_time(server: RedisServer) -> None:
    """A server that accepts and doesn't answer is given up, and used again when it does."""
    async with opened(server.url) as store:
        await works(store)
        with server.frozen(), impatient():
            await all_fail(store, "no answer in time")
        await works(store)


async def test_a_restarted_server_is_used_at_once(server: RedisServer) -> None:
    """Connections that were kept while it restarted cost no error."""
    async with opened(server.url) as store:
        await asyncio.gather(*(works(store) for _ in range(8)))
        server.stop()
        server.start()
        await asyncio.gather(*(works(store) for _ in range(8)))


async def test_connections_are_bounded_and_not_lost(server: RedisServer) -> None:
    """Many calls share few connections, and calls that are given up leave none behind."""
    async with opened(server.url) as store:
        await asyncio.gather(*(works(store) for _ in range(200)))
        with server.frozen():
            calls = [asyncio.create_task(works(store)) for _ in range(100)]
            await asyncio.sleep(0.1)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*(works(store) for _ in range(200)))
        with closing(server.client()) as client:
            assert len(client.client_list()) <= 33


async def test_a_call_that_is_given_up_leaves_no_answer_to_the_next(server: RedisServer) -> None:
    """Answers that come late are never taken for those to other questions."""
    async with opened(server.url) as store:
        known = [example_prediction(f"{number}") for number in range(100)]
        await store.put(known)
        for number, prediction in enumerate(known):
            call = asyncio.create_task(store.get([known[-number].post.ref] * 100, MODEL))
            for _ in range(number % 10):
                await asyncio.sleep(0)
            was_done = call.done()
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
            assert call.cancelled() or was_done
            assert await store.get([prediction.post.ref], MODEL) == [prediction]


async def test_a_full_server_refuses_writes_only(server: RedisServer) -> None:
    """Without room for more the error says so; reading and forgetting go on, and make room."""
    kept = example_prediction("kept", author_id="7")
    async with opened(server.url) as store:
        await store.put([kept])
        with closing(server.client()) as client:
            client.config_set("maxmemory", 1)
            with pytest.raises(StoreError, match="it is full.*raise its maxmemory"):
                await store.put([example_prediction("more", author_id="7")])
            assert await store.get([kept.post.ref], MODEL) == [kept]
            (author,) = await store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL))
            assert author.posts == 1
            assert await store.forget(kept.post.ref) == 1
            client.config_set("maxmemory", 0)
        await works(store)


async def test_a_record_that_can_never_be_put_holds_up_no_other(server: RedisServer) -> None:
    """An error of the script, and not of the server's state, is not tried for ever."""
    refused, *others = (example_prediction(f"{number}") for number in range(3))
    async with opened(server.url) as store:
        await store.put([refused])
        with closing(server.client()) as client:
            (key,) = (name for name in client.scan_iter() if b":p:" in name)
            client.delete(key)
            client.hset(key, "somebody", "else's")
        with pytest.raises(RefusedError, match="WRONGTYPE.*keys that begin with ss1:"):
            await store.put([refused])
        together = [Waiting(one, Record.of(one, one.predicted_at)) for one in (refused, *others)]
        async with asyncio.timeout(BOUND):
            await Delivery(store, Metrics(), None).write(together)
        assert await store.get([p.post.ref for p in others], MODEL) == others


@pytest.mark.parametrize(
    ("error", "is_of_the_record"),
    [
        ("user_script:49: too many results to unpack script: 1f, on @user_script:49.", True),
        ("WRONGTYPE Operation against a key script: 1f, on @user_script:86.", True),
        ("MISCONF Redis is configured to save RDB snapshots script: 1f, on @user_script:9.", False),
        ("BUSY Redis is busy running a script.", False),
        ("NOREPLICAS Not enough good replicas to write.", False),
        ("ACL failure in script: no permission script: 1f, on @user_script:9.", False),
        ("unknown command 'EVAL', with args beginning with: ", False),
    ],
)
def test_only_what_is_the_records_fault_is_given_up(error: str, *, is_of_the_record: bool) -> None:
    """Whatever may pass is a StoreError, and so tried again."""
    assert is_refusal(ResponseError(error)) is is_of_the_record


async def test_a_server_that_is_not_there_is_named() -> None:
    """The error says where it was looked for and what to do, and shows no password."""
    secret = password()
    with RedisServer() as server:
        port = server.port
    for url in (f"redis://user:{secret}@127.0.0.1:{port}", f"redis+cluster://127.0.0.1:{port}"):
        with pytest.raises(StoreDownError) as caught:
            await from_url(url, DAY).open()
        assert f"127.0.0.1:{port}" in str(caught.value)
        assert "SENTISERVE_STORE" in str(caught.value)
        assert secret not in str(caught.value)


async def test_a_wrong_login_is_refused() -> None:
    """Without a password, and with a wrong one, the error says how to write it."""
    with RedisServer("--requirepass", password()) as server:
        for url in (server.url, server.url.replace("//", "//:wrong-secret@")):
            with pytest.raises(StoreError, match="refuses the login.*USER:PASSWORD") as caught:
                await from_url(url, DAY).open()
            assert "wrong-secret" not in str(caught.value)
            assert not isinstance(caught.value, StoreDownError)


async def test_a_server_that_is_loading_is_down(server: RedisServer) -> None:
    """It can be opened, says so, and is used as soon as it has what it had kept."""
    with closing(server.client()) as client:
        client.mset({f"key-{number}": "x" * 100 for number in range(3_000)})
        client.save()
    server.stop()
    slowly = ("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
    server.options = slowly
    server.start()
    async with opened(server.url) as store:
        with pytest.raises(StoreDownError, match="it is loading its data"):
            await store.put([example_prediction()])
        with closing(server.client()) as client:
            client.config_set("key-load-delay", 0)
        await _eventually_works(store)


async def test_a_replica_is_refused(server: RedisServer) -> None:
    """At the start, and when it becomes one later."""
    async with opened(server.url) as store:
        with closing(server.client()) as client:
            client.replicaof("127.0.0.1", server.port)
        with pytest.raises(StoreError, match="replica.*name the primary"):
            await store.put([example_prediction()])
        with pytest.raises(StoreError, match="replica; name the primary"):
            await from_url(server.url, DAY).open()


async def test_the_wrong_kind_of_server_is_refused(server: RedisServer) -> None:
    """A cluster is no single server, nor the other way round."""
    with (
        RedisCluster() as cluster,
        pytest.raises(StoreError, match=r"it is a cluster; write redis\+cluster://"),
    ):
        await from_url(cluster.url.replace("+cluster", ""), DAY).open()
    with pytest.raises(StoreError, match="Cluster mode is not enabled.*write redis://") as caught:
        await from_url(server.url.replace("redis", "redis+cluster"), DAY).open()
    assert not isinstance(caught.value, StoreDownError)


async def test_an_old_server_is_refused(server: RedisServer) -> None:
    """A server older than 7 says so itself; here a script stands in for its INFO."""
    store = from_url(server.url, DAY)
    await store.open()
    client = store._connection._client

    async def info() -> dict[str, object]:
        return {"redis_version": "6.2.14", "role": "master"}

    client.info = info
    with pytest.raises(StoreError, match=r"version 6\.2\.14; version 7 or newer"):
        await store._connection._examine()
    await store.close()


async def test_a_cluster_that_lost_its_nodes_fails_in_time_and_comes_back() -> None:
    """As with one server: errors while it is frozen, answers when it isn't."""
    with RedisCluster() as cluster:
        async with opened(cluster.url) as store:
            await works(store)
            for node in cluster.nodes:
                node.freeze()
            with impatient():
                await all_fail(store, "cannot be used")
            for node in cluster.nodes:
                node.thaw()
            await _eventually_works(store)


async def _eventually_works(store: RedisStore) -> None:
    with impatient():
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(StoreError):
                    await works(store)
                    return
                await asyncio.sleep(0.2)


async def test_a_store_that_is_not_open_says_so() -> None:
    """Before it is opened and after it is closed."""
    store = from_url("redis://127.0.0.1:1", DAY)
    await all_fail(store, "not open")
    await store.close()
    await all_fail(store, "not open")
