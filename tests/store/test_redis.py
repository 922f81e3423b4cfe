"""The shared store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_server import RedisCluster, RedisServer

from sentiserve.store.redis import RedisStore, from_url
from sentiserve.testing import StoreContract

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
