"""SIGTERM under load: what was accepted is answered and recorded."""

import http.client
import json
import select
import signal
import sqlite3
from contextlib import ExitStack, closing
from datetime import timedelta
from os import kill
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from processes import Service, StartService, eventually

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.store.sqlite import SqliteStore
from sentiserve.types import PostRef

MODEL_ID = open_bundle(default_bundle()).manifest.model_id
TEXTS, URLS = 16, 12  # requests of each kind
INPUTS = 3  # texts in each request, so that the model is busy for a while


def connect(service: Service, stack: ExitStack) -> http.client.HTTPConnection:
    """A connection that the service has accepted, for it has answered on it."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    stack.callback(connection.close)
    get_live(connection)
    return connection


def get_live(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/health/live")
    assert connection.getresponse().read()


def events(service: Service) -> list[str]:
    return [event["event"] for event in service.events()]


def texts_of(number: int) -> list[str]:
    return [f"Text {i} of request {number}, " + "rather a long one, " * 20 for i in range(INPUTS)]


def answers(connection: http.client.HTTPConnection) -> list[dict[str, Any]]:
    response = connection.getresponse()
    body = json.loads(response.read())
    assert response.status == 200, body
    results: list[dict[str, Any]] = body.get("results", [body])
    return results


async def test_everything_in_flight_is_answered_and_recorded(
    start_service: StartService, sample: list[dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "store.db"
    service = start_service("--store", f"sqlite:///{file}", MAX_BATCH_TOKENS="64")
    with ExitStack() as stack:
        # Nobody else writes while this is open, so that predictions wait for the store.
        writing = stack.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
        writing.execute("BEGIN IMMEDIATE")
        *busy, witness = [connect(service, stack) for _ in range(TEXTS + URLS + 1)]
        for number, connection in enumerate(busy[:TEXTS]):
            body = json.dumps({"inputs": texts_of(number)})
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/sentiment", body, headers)
        for post, connection in zip(sample, busy[TEXTS:], strict=False):
            query = urlencode({"tweetUrl": post["url"]})
            connection.request("GET", f"/v1/inference?{query}")
        get_live(witness)  # answered after all of the others have arrived

        kill(service.pid, signal.SIGTERM)
        ready, _, _ = select.select([connection.sock for connection in busy], [], [], 0)
        assert len(ready) < len(busy), "too fast: nothing was in flight"
        results = [answer for connection in busy for answer in answers(connection)]
        eventually(lambda: "closing" in events(service))

    assert service.wait() == 0
    assert events(service)[-1] == "stopped"
    expected = [text for number in range(TEXTS) for text in texts_of(number)]
    expected += [post["text"] for post in sample[:URLS]]
    assert [answer["textInput"] for answer in results] == expected
    assert not any(answer["cached"] for answer in results)
    await check_recorded(file, results)


async def check_recorded(file: Path, results: list[dict[str, Any]]) -> None:
    store = SqliteStore(file, ttl=round(timedelta(days=1).total_seconds()))
    await store.open()
    try:
        refs = [PostRef(answer["post"]["platform"], answer["post"]["id"]) for answer in results]
        kept = await store.get(refs, MODEL_ID)
    finally:
        await store.close()
    for prediction, answer in zip(kept, results, strict=True):
        assert prediction is not None, answer
        assert prediction.post.text == answer["textInput"]
        assert dict(prediction.sentiment.scores) == answer["scores"]


def test_ctrl_c_stops_an_idle_service_with_status_0(start_service: StartService) -> None:
    service = start_service("--store", "memory://")
    kill(service.pid, signal.SIGINT)
    assert service.wait() == 0
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60).connect()


def test_a_request_that_outlasts_the_patience_gets_a_problem(start_service: StartService) -> None:
    service = start_service(DRAIN_TIMEOUT="0.5")
    with ExitStack() as stack:
        connection, witness = connect(service, stack), connect(service, stack)
        connection.putrequest("POST", "/v1/sentiment")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b'{"inputs":')
        get_live(witness)  # answered after the other has arrived
        kill(service.pid, signal.SIGTERM)
        response = connection.getresponse()
        assert response.status == 503
        assert response.headers["Retry-After"]
        assert response.headers["X-Request-Id"]
        assert json.loads(response.read())["status"] == 503
    assert service.stop() == 0


def test_readiness_falls_before_requests_are_refused(start_service: StartService) -> None:
    """A load balancer sees it, and sends no more; what it sends until then is answered."""
    service = start_service(DRAIN_DELAY="600")
    kill(service.pid, signal.SIGTERM)
    eventually(lambda: service.client.get("/health/ready").status_code == 503)
    assert service.client.get("/health/live").status_code == 200
    assert service.client.get("/v1/model", headers={"Connection": "close"}).status_code == 200
    assert service.client.post("/v1/sentiment", json={"inputs": ["new"]}).status_code == 200
    kill(service.pid, signal.SIGTERM)  # told again, it waits no longer
    assert service.wait() == 0
