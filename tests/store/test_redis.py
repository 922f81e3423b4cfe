"""The shared store."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisCluster, RedisServer, free_port, password
from store.writers import check_processes

from sentiserve.errors import StoreDownError, StoreError
from sentiserve.hashtags import MAX_HASHTAGS
from sentiserve.store import redis_connection
from sentiserve.store.redis import RedisStore, from_url
from sentiserve.store.redis_ranking import Ranking
from sentiserve.testing import StoreContract, example_prediction
from sentiserve.types import (
    AggregateQuery,
    Author,
    Entity,
    Feedback,
    Hashtag,
    PostRef,
    Prefix,
)

DAY = 24 * 60 * 60
MODEL = "model-1"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as started:
        yield started


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as started:
        yield started


class TestRedisStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _on(self, server: RedisServer) -> None:
        server.clear()
        self.url = server.url

    def make_store(self, tmp_path: Path, ttl: int) -> RedisStore:
        return from_url(self.url, ttl)


class TestRedisClusterStore(TestRedisStore):
    @pytest.fixture(autouse=True)
    def _on(self, cluster: RedisCluster) -> None:
        cluster.clear()
        self.url = cluster.url


@pytest.fixture
def empty(server: RedisServer) -> RedisServer:
    server.clear()
    return server


@asynccontextmanager
async def opened(url: str, ttl: int = DAY) -> AsyncIterator[RedisStore]:
    store = from_url(url, ttl)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def names(server: RedisServer) -> set[str]:
    with server.client(decode_responses=True) as client:
        return set(client.keys())


def seconds_at_work(server: Any) -> float:
    """Of the thread that runs commands, and of the processor's time: others may be busy, too."""
    used = server.info("cpu")
    return float(used["used_cpu_user_main_thread"] + used["used_cpu_sys_main_thread"])


async def counts(store: RedisStore, entity: Entity) -> dict[str, int]:
    found = await store.aggregate(AggregateQuery(entity, MODEL, limit=100))
    return {aggregate.name: aggregate.posts for aggregate in found}


async def test_every_way_to_one_server(empty: RedisServer) -> None:
    """TCP, a database of its own, and the Unix socket."""
    prediction = example_prediction()
    async with opened(empty.url) as first, opened(f"{empty.url}/1") as other:
        await first.put([prediction])
        assert await other.get([prediction.post.ref], MODEL) == [None]
        async with opened(f"unix://{empty.socket}") as same:
            assert await same.get([prediction.post.ref], MODEL) == [prediction]


async def test_a_user_needs_few_rights(empty: RedisServer) -> None:
    """A user who may touch our keys only, and nothing but what docs/operation.md lists, will do."""
    secret = password()
    rights = "~ss1:* -@all +@read +@write +@connection +eval +time"
    with empty.client() as client:
        client.execute_command("ACL", "SETUSER", "us", "on", f">{secret}", *rights.split())
    prediction = example_prediction(author_id="7", author_handle="Anna", text="#sun")
    async with opened(empty.url.replace("//", f"//us:{secret}@")) as store:
        await store.put([prediction])
        assert await counts(store, Entity.AUTHOR) == {"7": 1}
        assert await store.forget(Prefix("x/")) == 1
    with empty.client() as client:
        client.execute_command("ACL", "SETUSER", "us", "-eval")
    async with opened(empty.url.replace("//", f"//us:{secret}@")) as store:
        with pytest.raises(StoreError, match=r"the user may not do this.*operation\.md"):
            await store.put([prediction])
    with empty.client() as client:
        client.execute_command("ACL", "DELUSER", "us")


async def test_tls(tmp_path: Path) -> None:
    """A server with a certificate is spoken to if its authority is known, and only then."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    await asyncio.to_thread(
        subprocess.run,
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    files = ("--tls-cert-file", f"{certificate}", "--tls-key-file", f"{key}")
    with RedisServer("--tls-port", f"{port}", "--tls-auth-clients", "no", *files):
        url = f"rediss://127.0.0.1:{port}"
        prediction = example_prediction()
        async with opened(f"{url}?ssl_ca_certs={certificate}") as store:
            await store.put([prediction])
            assert await store.get([prediction.post.ref], MODEL) == [prediction]
        with pytest.raises(StoreError, match="certificate verify failed") as caught:
            await from_url(url, DAY).open()
        assert not isinstance(caught.value, StoreDownError)
        for scheme in ("redis", "redis+cluster"):
            tls = scheme.replace("redis", "rediss")
            why = rf"it wants TLS; write {re.escape(tls)}://"
            with pytest.raises(StoreError, match=why):
                await from_url(url.replace("rediss", scheme), DAY).open()


@pytest.mark.parametrize("scheme", ["rediss", "rediss+cluster"])
async def test_a_server_that_does_not_speak_tls_is_named_so(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it wants a login or not; and no secret is repeated."""
    monkeypatch.setattr(redis_connection, "_CONNECT", 0.5)  # so long it waits for TLS
    secret = password()
    for options in ((), ("--requirepass", secret)):
        with RedisServer(*options) as server:
            url = server.url.replace("redis://", f"{scheme}://user:{secret}@")
            with pytest.raises(StoreError) as caught:
                await from_url(url, DAY).open()
        plain = scheme.replace("rediss", "redis")
        assert f"doesn't speak TLS; write {plain}://, or enable TLS there" in str(caught.value)
        assert secret not in str(caught.value)


async def test_four_processes_write_to_one_redis(empty: RedisServer) -> None:
    """Four processes that write the same posts, older and newer, at once: every count is exact."""
    await check_processes(from_url(empty.url, DAY), empty.url, 4)


async def test_another_versions_value_is_a_miss(empty: RedisServer) -> None:
    """What a later sentiserve wrote is not read wrongly, and gives way to what is put."""
    prediction = example_prediction(author_id="7")
    async with opened(empty.url) as store:
        await store.put([prediction])
        (key,) = (name for name in names(empty) if ":p:" in name)
        with empty.client() as client:
            client.set(key, b"\x02whatever", keepttl=True)
        assert await store.get([prediction.post.ref], MODEL) == [None]
        await store.put([prediction])
        assert await store.get([prediction.post.ref], MODEL) == [prediction]
        assert await counts(store, Entity.AUTHOR) == {"7": 1}


async def test_every_key_expires(empty: RedisServer) -> None:
    """No key stays for good, and a prediction's goes when its time has come."""
    prediction = example_prediction(author_id="7", author_handle="Anna", text="#sun")
    async with opened(empty.url) as store:
        for _ in range(2):
            await store.put([prediction])
            await store.judge([Feedback(prediction.post.ref, "neutral", datetime.now(UTC))])
            await store.forget(prediction.post.ref)
        await store.judge([Feedback(prediction.post.ref, "neutral", datetime.now(UTC))])
        await store.put([prediction])
    dies_at = prediction.predicted_at.timestamp() + DAY
    with empty.client() as client:
        ends = {name: client.pexpiretime(name) / 1000 for name in names(empty)}
    assert len(ends) == 16
    assert all(dies_at - 0.01 <= end <= dies_at + 3 * 60 * 60 for end in ends.values())
    (value,) = (end for name, end in ends.items() if ":p:" in name)
    assert abs(value - dies_at) < 0.01


async def test_keys_of_others_are_left_alone(empty: RedisServer) -> None:
    """Whatever is forgotten, nothing that is not ours goes."""
    foreign = {"x/1": "a", "ss2:{0}:p:x/1/m:1:1": "b", "user": "c", "ss1:{0}:p:odd": "d"}
    with empty.client() as client:
        client.mset(foreign)
    async with opened(empty.url) as store:
        await store.put([example_prediction()])
        assert await store.forget(Prefix("")) == 1
        assert await store.forget(PostRef("x", "1")) == 0
    assert foreign.keys() <= names(empty)


async def test_forgetting_many_holds_redis_up_for_no_one(empty: RedisServer) -> None:
    """No command is long, however many posts are forgotten."""
    async with opened(empty.url) as store:
        many = [
            example_prediction(f"{n}", author_id=f"{n % 50}", text="#sun") for n in range(4_000)
        ]
        await store.put(many)
        with empty.client() as client:
            client.config_resetstat()
            before = seconds_at_work(client)
            assert await store.forget(Prefix("x/")) == 4_000
            worked = seconds_at_work(client) - before
            stats = client.info("commandstats")
        assert stats["cmdstat_eval"]["calls"] >= 4_000 / 20
        assert stats["cmdstat_scan"]["calls"] >= 4_000 / 300
        assert "cmdstat_keys" not in stats
        assert worked / stats["cmdstat_eval"]["calls"] < 0.005
    assert not names(empty) - {"ss1:{0}:m"}


async def test_texts_of_nothing_but_hashtags_are_put_like_any(empty: RedisServer) -> None:
    """As many as there may be at once; no script is long, and each post is there."""
    texts = [" ".join(f"#t{post}x{n}" for n in range(10_000)) for post in range(40)]
    many = [example_prediction(f"{post}", text=text) for post, text in enumerate(texts)]
    async with opened(empty.url) as store:
        with empty.client() as client:
            client.config_resetstat()
            before = seconds_at_work(client)
            await store.put(many)
            worked = seconds_at_work(client) - before
            put = client.info("commandstats")["cmdstat_eval"]
        assert await store.get([prediction.post.ref for prediction in many], MODEL) == many
        tags = sorted(tag for prediction in many for tag in prediction.post.hashtags)
        assert await counts(store, Entity.HASHTAG) == dict.fromkeys(tags[:100], 1)
    assert put["calls"] == 40 * MAX_HASHTAGS / 250
    assert worked / put["calls"] < 0.02


async def test_a_long_list_of_authors_is_read_as_far_as_needed(empty: RedisServer) -> None:
    """The most active are exact though most of the authors are never looked at."""
    many = [
        example_prediction(f"{author}-{post}", author_id=f"{author:04}")
        for author in range(2_000)
        for post in range(5 if author % 500 == 0 else 1)
    ]
    async with opened(empty.url) as store:
        await store.put(many)
        with empty.client() as client:
            client.config_resetstat()
            assert await counts_of(store, limit=5) == [
                *((f"{author:04}", 5) for author in (0, 500, 1_000, 1_500)),
                ("0001", 1),
            ]
            assert "cmdstat_mget" not in client.info("commandstats")
            assert client.info("commandstats")["cmdstat_eval"]["calls"] <= 2 + 2


async def counts_of(store: RedisStore, limit: int) -> list[tuple[str, int]]:
    found = await store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL, limit=limit))
    return [(aggregate.name, aggregate.posts) for aggregate in found]


async def test_posts_seen_at_the_same_time_are_all_counted(empty: RedisServer) -> None:
    """A thousand posts of one moment fill several pages of an answer."""
    moment = datetime.now(UTC)
    many = [
        example_prediction(f"{n}", author_id="7", created_at=moment, predicted_at=moment)
        for n in range(1_700)
    ]
    async with opened(empty.url) as store:
        await store.put(many)
        assert await counts(store, Entity.AUTHOR) == {"7": 1_700}


async def test_posts_of_many_are_read_as_they_are_found(empty: RedisServer) -> None:
    """No more of them are held together than one answer brings, and none comes twice."""
    many = [example_prediction(f"{n}", author_id="7", text="#sun") for n in range(1_700)]
    async with opened(empty.url) as store:
        await store.put(many)
        of: list[Author | Hashtag] = [Author("x", "7"), Hashtag("sun")]
        pages = [page async for page in store._posts.seen(of, MODEL)]
    assert max(map(len, pages)) <= len(of) * 500
    found = [pair for page in pages for pair in page]
    assert len(found) == len(set(found)) == len(of) * 1_700


async def test_in_a_cluster_a_long_list_of_equals_is_not_read_to_its_end(
    cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with most posts come first all the same."""
    cluster.clear()
    monkeypatch.setattr("sentiserve.store.redis_posts._PAGE", 20)
    monkeypatch.setattr("sentiserve.store.redis_ranking._MOST", 40)
    equals = [example_prediction(f"{n}", author_id=f"{n:04}") for n in range(2_000)]
    active = [example_prediction(f"top-{n}", author_id="top") for n in range(30)]
    async with opened(cluster.url) as store:
        await store.put([*equals, *active])
        ranking = Ranking(store._posts, AggregateQuery(Entity.AUTHOR, MODEL))
        taken: list[Author | Hashtag] = []
        while some := await ranking.next(None):
            taken += some
        assert taken[0] == Author("x", "top")
        assert len(taken) <= 16 * 40
        assert (await counts_of(store, limit=2))[0] == ("top", 30)
