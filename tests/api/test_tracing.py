"""Traces of a real service, as a collector gets them."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from collector import SERVER, Collector, Seen
from processes import Service, eventually

TEXT = "Nobody but the model may read this: açaí & <b>hidden7731</b>."


@dataclass(frozen=True, slots=True)
class Traced:
    """A service, and where its traces go."""

    service: Service
    collector: Collector

    def ask(self, method: str, path: str, **given: Any) -> tuple[httpx.Response, list[Seen]]:
        """Send a request that is part of a trace; its answer, and the spans that came of it."""
        trace, parent = secrets.token_hex(16), secrets.token_hex(8)
        headers = {"traceparent": f"00-{trace}-{parent}-01", "Cookie": "a=hidden7731"}
        answer = self.service.client.request(method, path, headers=headers, **given)
        eventually(lambda: any(span.kind == SERVER for span in self.collector.of(trace)))
        request, *parts = self.collector.of(trace)
        assert request.parent == parent
        assert all(part.parent == request.id for part in parts)
        return answer, [request, *parts]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with Collector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
        with Service(tmp_path_factory.mktemp("traced")) as service:
            yield Traced(service, collector)


def said(answer: httpx.Response) -> dict[str, float]:
    """What ``Server-Timing`` says, but for the total."""
    parts = [each.split(";dur=") for each in answer.headers["Server-Timing"].split(", ")]
    return {name: float(milliseconds) for name, milliseconds in parts if name != "total"}


def test_a_new_text_is_traced_through_store_queue_and_model(traced: Traced) -> None:
    """By the short way of lists; what the spans say is what the header says."""
    answer, (request, *parts) = traced.ask("POST", "/v1/sentiment", json={"inputs": [TEXT]})
    assert request.name == "POST /v1/sentiment"
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/v1/sentiment",
        "sentiserve.request_id": answer.headers["X-Request-Id"],
        "url.scheme": "http",
    }
    assert [part.name for part in parts] == ["store", "queue", "model"]
    assert {part.name: round(part.milliseconds, 2) for part in parts} == pytest.approx(
        said(answer), abs=0.011
    )
    assert all(request.start <= part.start <= part.end <= request.end for part in parts)
    assert parts[-1].attributes == {"sentiserve.batch.texts": 1}
    assert request.resource["service.name"] == "sentiserve"
    assert request.resource["deployment.environment.name"] == "tests"


def test_a_post_is_traced_to_its_source_and_then_found_in_the_store(
    traced: Traced, sample: list[dict[str, str]]
) -> None:
    """The second time by the short way of what is remembered."""
    asked = {"tweetUrl": sample[3]["url"]}
    first, (_, *fetched) = traced.ask("GET", "/v1/inference", params=asked)
    second, (request, *found) = traced.ask("GET", "/v1/inference", params=asked)
    assert (first.json()["cached"], second.json()["cached"]) == (False, True)
    assert [part.name for part in fetched] == ["store", "source", "queue", "model"]
    assert [part.name for part in found] == ["store"]
    assert request.name == "GET /v1/inference"


@pytest.mark.parametrize("path", ["/v1/authors", "/v1/hashtags/coffee"])
def test_what_is_told_of_many_posts_is_traced_to_the_store(traced: Traced, path: str) -> None:
    answer, (_, store) = traced.ask("GET", path)
    assert store.name == "store"
    assert round(store.milliseconds, 2) == pytest.approx(said(answer)["store"], abs=0.011)


def test_callers_whose_texts_are_computed_together_have_a_trace_each(traced: Traced) -> None:
    """Each has the whole time of the batch that its text was in, and says how many were."""
    numbers = count()

    def sizes(callers: ThreadPoolExecutor) -> list[int]:
        inputs = [[f"One of many at once: {next(numbers)}."] for _ in range(24)]
        traces = callers.map(
            lambda given: traced.ask("POST", "/v1/sentiment", json={"inputs": given})[1], inputs
        )
        models = [span for trace in traces for span in trace if span.name == "model"]
        assert len(models) == len(inputs)
        batches = {m.end - m.start: m.attributes["sentiserve.batch.texts"] for m in models}
        assert sum(batches.values()) == len(inputs), "the callers of a batch say the same of it"
        return list(batches.values())

    with ThreadPoolExecutor(24) as callers:
        eventually(lambda: max(sizes(callers)) > 1)


def test_the_log_names_the_trace(traced: Traced) -> None:
    answer, (request, *_) = traced.ask("GET", "/v1/model")
    (line,) = eventually(
        lambda: [
            event
            for event in traced.service.events()
            if event.get("request_id") == answer.headers["X-Request-Id"]
        ]
    )
    assert (line["trace_id"], line["span_id"]) == (request.trace, request.id)


def test_what_is_refused_and_unknown_is_traced_too(traced: Traced) -> None:
    """A path that nobody knows is in no name and no attribute."""
    _, (request,) = traced.ask("GET", "/nothing/hidden7731-here", params={"secret": "hidden7731"})
    assert request.name == "GET"
    assert request.attributes["http.response.status_code"] == 404
    assert not request.failed
    assert "http.route" not in request.attributes


def test_no_text_url_or_credential_is_in_any_trace(
    traced: Traced, sample: list[dict[str, str]]
) -> None:
    """Nor a path with somebody's name, or a header that isn't of tracing."""
    traced.ask("POST", "/v1/sentiment", json={"inputs": [TEXT, {"url": sample[4]["url"]}]})
    traced.ask("GET", "/v1/authors/x/somebody-hidden7731", params={"since": "7731-01-01"})
    traced.ask("GET", "/v1/inference", params={"tweetUrl": sample[5]["url"]})
    raw = traced.collector.raw.decode("utf-8", "replace")
    assert "/v1/authors/{platform}/{author}" in raw
    found = [
        sample[4]["text"][:12],
        sample[4]["id"],
        sample[5]["id"],
        TEXT[:12],
        "hidden7731",
        "python-",
    ]
    assert not [each for each in found if each in raw]


def test_who_asks_whether_it_is_well_is_not_traced(traced: Traced) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        traced.service.client.get(path)
    traced.ask("GET", "/v1/model")  # what came before has been sent by now
    routes = {span.attributes.get("http.route") for span in traced.collector.spans}
    assert not routes & {"/health/live", "/health/ready", "/metrics"}


def test_a_trace_that_its_caller_does_not_sample_is_not_sent(traced: Traced) -> None:
    """The log still has its id."""
    trace = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-00"}
    traced.service.client.get("/v1/model", headers=headers)
    eventually(lambda: [e for e in traced.service.events() if e.get("trace_id") == trace])
    traced.ask("GET", "/v1/model")
    assert not traced.collector.of(trace)


@pytest.mark.parametrize("header", ["", "00-zz-zz-01", "ff" * 500, "00-" + "0" * 32 + "-01"])
def test_a_broken_header_begins_a_trace(traced: Traced, header: str) -> None:
    answer = traced.service.client.get("/v1/model", headers={"traceparent": header})
    identity = answer.headers["X-Request-Id"]
    (span,) = eventually(
        lambda: [
            span
            for span in traced.collector.spans
            if span.attributes.get("sentiserve.request_id") == identity
        ]
    )
    assert span.parent == ""


def test_the_time_that_a_trace_tells_is_now(traced: Traced) -> None:
    before = time.time_ns()
    _, spans = traced.ask("POST", "/v1/sentiment", json={"inputs": ["What time is it?"]})
    assert all(before <= span.start <= span.end <= time.time_ns() for span in spans)
