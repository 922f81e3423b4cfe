"""The headers of every answer: its id, and where the time went."""

import re
from uuid import uuid4

import httpx
import pytest
from processes import Service, StartService, eventually

GENERATED = re.compile(r"[0-9a-f]{32}")
UUID = "6f1c2b0e-3d54-4a8f-9b70-52e1c8a4d963"
TIMING = re.compile(r"([a-z]+);dur=\d+\.\d\d")


def timed(response: httpx.Response) -> list[str]:
    parts = response.headers["Server-Timing"].split(", ")
    matches = [TIMING.fullmatch(part) for part in parts]
    return [match[1] for match in matches if match]


@pytest.mark.parametrize("given", ["a", "0", "req-1_2.3", "x" * 128, UUID])
def test_a_sane_request_id_is_kept(service: Service, given: str) -> None:
    response = service.client.get("/v1/model", headers={"X-Request-Id": given})
    assert response.headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given",
    ["", "x" * 129, "a b", 'a"b', "a\tb", "<script>", "{}", "ünï".encode(), b"\xff\xfe"],
)
def test_a_hostile_request_id_is_replaced(service: Service, given: str | bytes) -> None:
    raw = given.encode() if isinstance(given, str) else given
    response = service.client.get("/v1/model", headers={b"X-Request-Id": raw})
    assert GENERATED.fullmatch(response.headers["X-Request-Id"])


def test_the_log_names_the_request_by_its_id(service: Service) -> None:
    given = uuid4().hex
    service.client.get("/v1/model", headers={"X-Request-Id": given})
    (event,) = eventually(lambda: [e for e in service.events() if e.get("request_id") == given])
    assert (event["event"], event["route"], event["status"]) == ("request", "/v1/model", 200)


def test_every_answer_has_an_id_of_its_own(service: Service) -> None:
    ids = {service.client.get("/health/live").headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_post_that_is_new_takes_time_in_every_part(
    start_service: StartService, sample: list[dict[str, str]]
) -> None:
    client = start_service("--store", "memory://").client
    params = {"tweetUrl": sample[0]["url"]}
    new, known = (client.get("/v1/inference", params=params) for _ in range(2))
    assert timed(new) == ["store", "source", "queue", "model", "total"]
    assert timed(known) == ["store", "total"]


def test_a_text_that_is_new_takes_no_time_of_a_source(service: Service) -> None:
    body = {"inputs": [f"Never seen before: {uuid4()}"]}
    new, known = (service.client.post("/v1/sentiment", json=body) for _ in range(2))
    assert timed(new) == ["store", "queue", "model", "total"]
    assert timed(known) == ["store", "total"]


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/docs", "/nowhere", "/v1/inference"])
def test_every_answer_says_how_long_it_took(service: Service, path: str) -> None:
    assert timed(service.client.get(path))[-1] == "total"
