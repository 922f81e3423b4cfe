"""A Redis that fails costs a service its hits, and nothing else."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest
from processes import Service, StartService, eventually
from redis import exceptions
from redis_server import RedisServer

STORE_TIMEOUT = 1.0  # seconds; enough for hits on a busy machine
REDIS_TIMEOUT = 4.0  # seconds for which the store itself would wait
SLEEP = 6  # seconds; whole ones


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    redis.stop()
    yield
    redis.start()


@contextmanager
def sleeping(redis: RedisServer) -> Iterator[None]:
    def sleep() -> None:
        with closing(redis.client(socket_timeout=None)) as client:
            client.execute_command("DEBUG", "SLEEP", SLEEP)

    def sleeps() -> bool:
        with closing(redis.client(socket_timeout=0.1, retry=None)) as client:
            try:
                client.ping()
            except exceptions.TimeoutError:
                return True
        return False

    thread = threading.Thread(target=sleep)
    thread.start()
    try:
        eventually(sleeps)
        yield
    finally:
        thread.join()


@contextmanager
def full(redis: RedisServer) -> Iterator[None]:
    with closing(redis.client()) as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


def metric(service: Service, name: str, labels: str = "") -> float:
    page = service.client.get("/metrics").text
    found = re.search(rf"^sentiserve_{name}{labels} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def store_errors(service: Service, operation: str) -> float:
    return metric(service, "store_errors_total", f'{{operation="{operation}"}}')


def ask(service: Service, text: str) -> bool:
    """Whether the answer was remembered; it comes before the store's own patience ends."""
    response = service.client.post("/v1/sentiment", json={"inputs": [text]})
    assert response.status_code == 200
    spent = re.search(r"store;dur=([\d.]+)", response.headers["Server-Timing"])
    assert spent is not None
    assert float(spent[1]) < REDIS_TIMEOUT * 1_000
    (result,) = response.json()["results"]
    assert result["sentimentAnalyst"]
    return bool(result["cached"])


def posts(redis: RedisServer) -> int:
    with closing(redis.client()) as client:
        return len(client.keys("ss1:*:p:*"))


@pytest.mark.parametrize(
    ("fails", "operation", "hits"),
    [
        (stopped, "get", {False}),  # it keeps nothing on a disk here: all is written again
        (RedisServer.frozen, "get", {False}),
        (sleeping, "get", {False, True}),  # it may wake up too soon
        (full, "put", {True}),
    ],
)
def test_a_redis_that_fails_costs_its_hits_and_gets_what_waited(
    start_service: StartService,
    fails: Callable[[RedisServer], AbstractContextManager[None]],
    operation: str,
    hits: set[bool],
) -> None:
    """Answers go on, errors are counted; then it is used again, and has all that was answered."""
    with RedisServer() as redis:
        service = start_service("--store", redis.url, store_timeout=f"{STORE_TIMEOUT}")
        ask(service, "Before.")
        eventually(lambda: posts(redis) == 1)
        eventually(lambda: metric(service, "queued_records") == 0)
        assert ask(service, "Before.")
        errors = store_errors(service, operation)
        meanwhile = [f"Meanwhile, number {number}." for number in range(3)]
        with fails(redis):
            assert [ask(service, text) for text in meanwhile] == [False] * 3
            assert ask(service, "Before.") in hits
            assert ask(service, meanwhile[0])  # it waits for the store, and is known already
            eventually(lambda: store_errors(service, operation) > errors)
            assert hits == {False, True} or metric(service, "queued_records") >= 3
        eventually(lambda: metric(service, "queued_records") == 0)
        assert posts(redis) == 4
        assert [ask(service, text) for text in meanwhile] == [True] * 3
        assert service.client.get("/health/ready").json()["dependencies"]["store"] == "ok"


def test_a_service_starts_without_its_redis_and_uses_it_once_it_is_there(
    start_service: StartService, sample: list[dict[str, str]]
) -> None:
    """It answers from text and sources, says what is missing, and brings what waited."""
    with RedisServer() as redis:
        redis.stop()
        service = start_service("--store", redis.url)
        assert not ask(service, "Before.")
        post = service.client.get("/v1/inference", params={"tweetUrl": sample[0]["url"]})
        assert post.json()["cached"] is False
        assert ask(service, "Before.")  # it waits for the store, and is known already
        authors = service.client.get("/v1/authors")
        assert (authors.status_code, authors.headers["Retry-After"]) == (503, "5")
        ready = service.client.get("/health/ready")
        assert (ready.status_code, ready.json()["dependencies"]["store"]) == (200, "failing")
        eventually(lambda: store_errors(service, "open") >= 2)
        redis.start()
        eventually(lambda: posts(redis) == 2)
        eventually(lambda: metric(service, "queued_records") == 0)
        assert ask(service, "Before.")
        assert service.client.get("/v1/authors").json()["authors"]
        assert service.client.get("/health/ready").json()["dependencies"]["store"] == "ok"
        said = [event["event"] for event in service.events()]
        assert said.count("store can't be opened, going on without it") == 1
        assert said.count("listening") == 1


def test_what_is_answered_without_a_redis_outlives_the_service(start_service: StartService) -> None:
    """The journal has it when the service ends first; the next service brings it."""
    with RedisServer() as redis:
        redis.stop()
        service = start_service("--store", redis.url, drain_timeout="0.1")
        assert not ask(service, "Before.")
        assert service.stop() == 0
        redis.start()
        start_service("--store", redis.url)
        eventually(lambda: posts(redis) == 1)
