"""The container at work: locked down, started, asked, stopped."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlencode

import pytest
from containers import Container, ServiceContainer, docker, infer, volume
from docs.test_readme import blocks, commands
from processes import PATIENCE, eventually
from redis_server import free_port

URLS, TEXTS = 12, 16  # requests of each kind
INPUTS = 3  # texts in each request, so that the model is busy for a while


@pytest.fixture
def kept() -> Iterator[str]:
    with volume() as name:
        yield name


def test_the_readmes_request_is_answered_once_it_is_healthy(image: str) -> None:
    """Locked down, on a read-only root, as nobody in particular, it answers as the README shows."""
    [url] = [c.split()[1].strip("'") for c in commands() if c.startswith("curl 'http")]
    with ServiceContainer(image) as service, service.client() as client:
        answer = client.get(url.removeprefix("http://127.0.0.1:8000")).json()
        assert service.execute("id", "-u") == "10001"
        with pytest.raises(AssertionError, match="Read-only file system"):
            service.execute("touch", "/app/file")
    shown = json.loads(blocks("json")[0])
    assert answer.pop("scores") == pytest.approx(shown.pop("scores"), abs=0.01)
    assert answer == shown


def test_it_runs_as_any_user_of_the_root_group(image: str) -> None:
    """Some platforms choose the user themselves."""
    with ServiceContainer(image, "--user", "1234567:0") as service, service.client() as client:
        assert client.get("/health/ready").json()["status"] == "ready"


def test_it_does_not_start_for_strangers(image: str) -> None:
    """Without credentials it ends, and says what to do."""
    ran = subprocess.run(
        ["docker", "run", "--rm", image], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "SENTISERVE_API_KEYS" in ran.stderr


def test_a_stop_while_it_starts_ends_it_at_once(image: str) -> None:
    """Also before Python has come to take the signal."""
    with Container(image, "--env=SENTISERVE_API_KEYS=key") as service:
        eventually(lambda: service.state["Running"])
        docker("stop", "--time", "60", service.name)
        assert service.state["ExitCode"] != 137  # nobody had to kill it


def test_a_service_that_hangs_becomes_unhealthy(image: str) -> None:
    """The health check fails where nobody answers."""
    flags = ("--health-interval=250ms", "--health-retries=1", "--health-timeout=1s")
    with ServiceContainer(image, *flags) as service:
        service.execute("sh", "-c", "kill -STOP $(cat /proc/1/task/1/children)")
        eventually(lambda: service.state["Health"]["Status"] == "unhealthy", PATIENCE)


def texts_of(number: int) -> list[str]:
    return [f"Text {i} of request {number}, " + "rather a long one, " * 20 for i in range(INPUTS)]


def connect(port: int, stack: ExitStack) -> http.client.HTTPConnection:
    """A connection that the service has accepted, for it has answered on it."""
    connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=PATIENCE)
    stack.enter_context(closing(connection))
    get_live(connection)
    return connection


def get_live(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/health/live")
    assert connection.getresponse().read()


def ask_for_texts(connection: http.client.HTTPConnection, number: int) -> None:
    body = json.dumps({"inputs": texts_of(number)})
    connection.request("POST", "/v1/sentiment", body, {"Content-Type": "application/json"})


def answers(connection: http.client.HTTPConnection) -> list[dict[str, Any]]:
    response = connection.getresponse()
    body = json.loads(response.read())
    assert response.status == 200, body
    results: list[dict[str, Any]] = body.get("results", [body])
    return results


def test_docker_stop_under_load_fails_no_accepted_request_and_loses_nothing(
    image: str, kept: str, sample: list[dict[str, str]]
) -> None:
    """All that was in flight is answered with 200, and a later container remembers all of it."""
    port = free_port()
    flags = ("--network=host", f"--volume={kept}:/data")
    env = {"HOST": "127.0.0.1", "PORT": str(port), "MAX_BATCH_TOKENS": "64"}

    def ask_all(connections: list[http.client.HTTPConnection]) -> None:
        for number, connection in enumerate(connections[:TEXTS]):
            ask_for_texts(connection, number)
        for post, connection in zip(sample, connections[TEXTS:], strict=False):
            connection.request("GET", f"/v1/inference?{urlencode({'tweetUrl': post['url']})}")

    with ServiceContainer(image, *flags, API_KEYS="", **env) as service, ExitStack() as stack:
        *busy, witness = [connect(port, stack) for _ in range(TEXTS + URLS + 1)]
        ask_all(busy)
        get_live(witness)  # answered after all of the others have arrived
        stopping = subprocess.Popen(["docker", "stop", "--time", "60", service.name])
        first = [answer for connection in busy for answer in answers(connection)]
        assert stopping.wait(PATIENCE) == 0
        assert service.state["ExitCode"] == 0
        assert service.logs()[-1]["event"] == "stopped"

    with ServiceContainer(image, *flags, API_KEYS="", **env), ExitStack() as stack:
        again = [connect(port, stack) for _ in range(TEXTS + URLS)]
        ask_all(again)
        second = [answer for connection in again for answer in answers(connection)]
    assert not any(answer.pop("cached") for answer in first)
    assert all(answer.pop("cached") for answer in second)
    assert second == first


def test_a_killed_container_loses_nothing_that_was_answered(
    image: str, kept: str, sample: list[dict[str, str]]
) -> None:
    """Its journal is on the volume, and the next container goes on with it."""
    urls = [post["url"] for post in sample[:URLS]]
    with ServiceContainer(image, f"--volume={kept}:/data") as service, service.client() as client:
        for url in urls:
            infer(client, url)
        docker("kill", service.name)
    with ServiceContainer(image, f"--volume={kept}:/data") as service, service.client() as client:
        eventually(lambda: all(infer(client, url)["cached"] for url in urls), PATIENCE)
