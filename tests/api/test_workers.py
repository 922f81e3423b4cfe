"""Several processes on one port: spread, replaced, counted and stopped together."""

import errno
import http.client
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from processes import PATIENCE, Run, Service, StartService, eventually

from sentiserve.api.workers import Workers
from sentiserve.settings import load_settings

REQUESTS = 40  # of as many connections: that all of them go to one of two has no chance


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two workers, both of which answer."""
    with Service(tmp_path_factory.mktemp("two"), "--workers", "2") as started:
        eventually(lambda: both_answer(started))
        yield started


def ask(service: Service, path: str) -> tuple[int, bytes]:
    """An answer over a connection of its own, which any worker may get."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def counts(service: Service, route: str = "/metrics") -> dict[str, float]:
    """Requests for a route that were answered, by worker."""
    told = ask(service, "/metrics")[1].decode()
    labels = f'method="GET",route="{route}",status="200"'
    pattern = rf'^sentiserve_requests_total{{{labels},worker="(\d+)"}} (\S+)'
    found = {worker: float(count) for worker, count in re.findall(pattern, told, re.MULTILINE)}
    workers = set(re.findall(r'^sentiserve_queued_texts{worker="(\d+)"}', told, re.MULTILINE))
    return {worker: found.get(worker, 0.0) for worker in workers}


def both_answer(service: Service) -> bool:
    """Whether both workers have; one tells what it counted a moment before it gets connections."""
    answered = counts(service)
    return len(answered) == 2 and all(answered.values())


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only its entry in the table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_connections_are_spread_and_each_request_counts_once(two: Service) -> None:
    before = counts(two, "/v1/model")
    for _ in range(REQUESTS):
        assert ask(two, "/v1/model")[0] == 200
    after = counts(two, "/v1/model")
    gained = {worker: after[worker] - before[worker] for worker in ("0", "1")}
    assert sum(gained.values()) == REQUESTS
    assert all(gained.values()), gained


def test_metrics_of_all_workers_are_one_valid_exposition(two: Service) -> None:
    """Each metric is described once, with the series of all workers below."""
    told = ask(two, "/metrics")[1].decode()
    described = re.findall(r"^# TYPE (\w+) ", told, re.MULTILINE)
    assert len(described) == len(set(described))
    series = [line.rpartition(" ")[0] for line in told.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert all('worker="' in line for line in series)


def test_what_one_worker_has_answered_the_others_remember(
    two: Service, sample: list[dict[str, str]]
) -> None:
    query = urlencode({"tweetUrl": sample[0]["url"]})
    assert ask(two, f"/v1/inference?{query}")[0] == 200

    def all_remember() -> bool:
        answers = [ask(two, f"/v1/inference?{query}")[1] for _ in range(REQUESTS)]
        return all(b'"cached":true' in answer for answer in answers)

    eventually(all_remember)  # as soon as the store has it


def test_a_killed_worker_is_replaced_and_nothing_recorded_is_lost(
    start_service: StartService, sample: list[dict[str, str]]
) -> None:
    service = start_service("--workers", "2")
    eventually(lambda: both_answer(service))
    urls = [post["url"] for post in sample[:20]]
    for number, url in enumerate(urls):
        status, answer = ask(service, f"/v1/inference?{urlencode({'tweetUrl': url})}")
        assert status == 200, answer
        if number in {5, 10}:
            victim = children(service.pid)[0]
            os.kill(victim, signal.SIGKILL)
            eventually(lambda: len(children(service.pid)) == 2 and not is_running(victim))  # noqa: B023
    eventually(lambda: len(counts(service)) == 2)

    def all_remembered() -> bool:
        found = [ask(service, f"/v1/inference?{urlencode({'tweetUrl': url})}")[1] for url in urls]
        return all(b'"cached":true' in answer for answer in found)

    eventually(all_remembered)
    assert service.stop() == 0
    assert sum(event["event"] == "worker died" for event in service.events()) == 2


def test_a_worker_that_is_told_to_stop_is_replaced_too(start_service: StartService) -> None:
    """One after the other can be renewed, without a request that fails."""
    service = start_service("--workers", "2")
    eventually(lambda: both_answer(service))
    old = children(service.pid)
    for worker in old:
        os.kill(worker, signal.SIGTERM)
        eventually(lambda: not is_running(worker))  # noqa: B023
        assert ask(service, "/v1/model")[0] == 200
    eventually(lambda: len(set(children(service.pid)) - set(old)) == 2)
    assert service.stop() == 0


def test_all_stop_together_and_the_port_is_free(start_service: StartService) -> None:
    service = start_service("--workers", "2")
    eventually(lambda: both_answer(service))
    workers = children(service.pid)
    assert service.stop() == 0
    assert not any(map(is_running, workers))
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(service.url).port or 0), timeout=PATIENCE)


def test_workers_end_with_their_parent(start_service: StartService) -> None:
    service = start_service("--workers", "2")
    eventually(lambda: both_answer(service))
    workers = children(service.pid)
    os.kill(service.pid, signal.SIGKILL)
    assert service.wait() == -signal.SIGKILL
    eventually(lambda: not any(map(is_running, workers)))


def test_an_address_in_use_is_refused_by_several_workers_too(
    two: Service, run_process: Run
) -> None:
    """Sockets that share a port would not notice."""
    port = str(urlsplit(two.url).port)
    ran = run_process("serve", "--port", port, "--workers", "2")
    assert ran.status == 1
    assert "cannot listen" in ran.err


def test_a_service_whose_workers_cannot_start_ends(run_process: Run, tmp_path: Path) -> None:
    ran = run_process(
        "serve", "--port", "0", "--workers", "2", "--archive", str(tmp_path / "no.csv")
    )
    assert ran.status == 1
    assert ran.err.count("no.csv") == 1
    assert ran.err.splitlines()[-1].startswith("sentiserve: no worker can start")


def test_workers_need_a_store_that_they_share(run_process: Run) -> None:
    ran = run_process("serve", "--workers", "2", "--store", "memory://")
    assert ran.status == 1
    assert "SENTISERVE_WORKERS" in ran.err


async def test_a_stop_just_when_the_first_is_ready_starts_no_others(tmp_path: Path) -> None:
    with socket.socket() as one, socket.socket() as other:
        workers = Workers(load_settings(), [one, other], tmp_path)
        lived = []

        async def live(number: int) -> int:
            lived.append(number)
            workers._ready.set()
            workers._stop()
            return 0

        workers._live = live  # type: ignore[method-assign]  # no process can be so punctual
        assert await workers.run(lambda: None) == 0
    assert lived == [0]


async def test_a_worker_that_the_system_has_no_room_for_is_tried_again(tmp_path: Path) -> None:
    with socket.socket() as one, socket.socket() as other:
        workers = Workers(load_settings(), [one, other], tmp_path)
        lived = []

        async def live(number: int) -> int:
            lived.append(number)
            workers._ready.set()
            if number == 0:
                await workers._stopping.wait()
            elif lived.count(number) == 1:
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
            else:
                workers._stop()
            return 0

        workers._live = live  # type: ignore[method-assign]  # the machine keeps its memory
        assert await workers.run(lambda: None) == 0
    assert lived == [0, 1, 1]
