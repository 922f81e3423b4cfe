"""Traces whose collector fails, and those that can't be had."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from collector import Collector
from processes import Run, StartService, eventually
from redis_server import RedisServer, free_port

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as started:
        monkeypatch.setenv(ENDPOINT, started.url)
        yield started


def test_what_waits_is_sent_in_the_end(
    collector: Collector, start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    service = start_service()
    service.client.post("/v1/sentiment", json={"inputs": ["The last words."]})
    assert not collector.spans
    assert service.stop() == 0
    assert {span.name for span in collector.spans} == {
        "POST /v1/sentiment", "store", "queue", "model",
    }  # fmt: skip


def test_each_worker_sends_its_own(
    collector: Collector, start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of-two")
    service = start_service("--workers", "2", SERVICE="ours")

    def both() -> bool:
        service.client.get("/v1/model", headers={"Connection": "close"})
        return len({span.resource["service.instance.id"] for span in collector.spans}) == 2

    eventually(both)
    assert {span.resource["service.name"] for span in collector.spans} == {"of-two"}


def test_a_store_that_fails_is_seen_in_the_trace(
    collector: Collector, start_service: StartService
) -> None:
    """The answer is good, and the part that failed is marked."""
    with RedisServer() as redis:
        service = start_service("--store", redis.url)
        redis.stop()
        answer = service.client.post("/v1/sentiment", json={"inputs": ["Without a memory."]})
    assert answer.json()["results"][0]["sentimentAnalyst"]
    (store,) = eventually(lambda: [span for span in collector.spans if span.name == "store"])
    assert store.failed
    assert store.attributes["error.type"]
    assert not any(span.failed for span in collector.spans if span.name != "store")


def test_a_collector_that_is_down_costs_a_warning(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers go on; the end comes in time, with status 0, and says what is lost."""
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{free_port()}/?token=hidden-7731")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    service = start_service()
    service.client.get("/v1/model")

    def warned() -> bool:
        assert service.client.get("/v1/model").status_code == 200
        return any("traces" in event["event"] for event in service.events())

    eventually(warned)
    assert service.stop() == 0
    said = [event for event in service.events() if "traces" in event["event"]]
    assert [event["level"] for event in said] == ["warning"] * len(said)
    assert "hidden-7731" not in "".join(service.logs)


def test_a_collector_that_hangs_holds_up_neither_answers_nor_the_end(
    collector: Collector, start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it might take an hour by its own limit."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    collector.goes_on.clear()
    service = start_service()
    for _ in range(50):
        assert service.client.get("/v1/model").status_code == 200
    assert service.stop() == 0
    assert any(event["event"].startswith("traces are lost") for event in service.events())


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "otlp or none"),
    ],
)
def test_what_cannot_be_had_is_said_at_the_start(
    cli: Run, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ran = cli("serve", "--port", "0")
    assert ran.status == 1
    assert says in ran.err


def test_without_the_extra_it_says_what_to_install(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    ran = cli("serve", "--port", "0")
    assert ran.status == 1
    assert "pip install 'sentiserve[otel]'" in ran.err
    checked = json.loads(cli("check", "--json").out)["traces"]
    assert not checked["ok"]
    assert "pip install 'sentiserve[otel]'" in checked["detail"]


def test_check_says_of_traces_only_where_they_are_wanted(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "traces" not in json.loads(cli("check", "--json").out)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    assert json.loads(cli("check", "--json").out)["traces"]["ok"]


@pytest.mark.parametrize(
    "off", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}]
)
def test_nothing_is_imported_for_traces_that_nobody_wants(
    monkeypatch: pytest.MonkeyPatch, off: dict[str, str]
) -> None:
    for name, value in {ENDPOINT: "http://127.0.0.1:4318", **off}.items() if off else ():
        monkeypatch.setenv(name, value)
    code = (
        "import asyncio, sys\n"
        "from sentiserve.api import process\n"
        "async def look():\n"
        "    async with process.traced('a') as tracing:\n"
        "        assert tracing is None\n"
        "asyncio.run(look())\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.sdk')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
