"""Replicas on one Redis: what they share, and what they do without it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from containers import Container, ServiceContainer, docker, infer, network
from processes import PATIENCE, eventually

REDIS = "redis:8-trixie"
COMMAND = ("redis-server", "--protected-mode", "no")


@pytest.fixture
def net() -> Iterator[str]:
    with network() as name:
        yield name


@pytest.fixture
def redis(net: str) -> Iterator[Container]:
    flags = ("--network", net, "--network-alias", "redis")
    with Container(REDIS, *flags, command=COMMAND) as started:
        eventually(lambda: "PONG" in started.execute("sh", "-c", "redis-cli ping; true"), PATIENCE)
        yield started


@contextmanager
def replica(image: str, net: str) -> Iterator[httpx.Client]:
    """A container of the service on the network's Redis, and somebody who asks it."""
    service = ServiceContainer(image, "--network", net, STORE="redis://redis")
    with service, service.client() as client:
        yield client


def store_of(client: httpx.Client) -> Any:
    """What the service says of its store; it is ready in any case."""
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    return answer.json()["dependencies"]["store"]


def is_hit(client: httpx.Client, url: str) -> bool:
    hit: bool = infer(client, url)["cached"]
    return hit


def test_what_one_predicts_is_a_hit_on_the_other(
    image: str, net: str, redis: Container, sample: list[dict[str, str]]
) -> None:
    """Replicas hold nothing that the store doesn't have."""
    url = sample[0]["url"]
    with replica(image, net) as one, replica(image, net) as other:
        asked = infer(one, url)
        assert not asked.pop("cached")
        found = eventually(lambda: (a := infer(other, url))["cached"] and a, PATIENCE)
        assert found.pop("cached")
        assert found == asked


def test_redis_is_killed_and_comes_back(
    image: str, net: str, redis: Container, sample: list[dict[str, str]]
) -> None:
    """Without it answers go on, and what they say is in it when it is back, without a restart."""
    urls = [post["url"] for post in sample[:6]]
    with replica(image, net) as one, replica(image, net) as other:
        infer(one, urls[0])
        docker("kill", redis.name)
        for url in urls:
            infer(one, url)
        eventually(lambda: store_of(one) == "failing", PATIENCE)
        docker("start", redis.name)
        eventually(lambda: store_of(one) == "ok", PATIENCE)
        for url in urls[1:]:
            eventually(partial(is_hit, other, url), PATIENCE)
