"""The metrics, and their documentation."""

import re
from pathlib import Path

import pytest
from processes import Service, StartService, eventually
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from redis_server import RedisServer

from sentiserve.metrics import Metrics

DOCUMENTATION = (Path(__file__).parent.parent / "docs" / "operation.md").read_text()
ROW = re.compile(r"^\| `((?:sentiserve|process)_\w+)` \| (\w+) \| ([\w, ]*)\|", re.MULTILINE)
Described = dict[str, tuple[str, frozenset[str]]]
"""Type and labels of each metric."""
OF_ANY = {"le", "worker"}  # of every histogram, and of several workers


def documented() -> Described:
    return {
        name: (kind, frozenset(filter(None, labels.replace(" ", "").split(","))))
        for name, kind, labels in ROW.findall(DOCUMENTATION)
    }


def declared() -> dict[str, frozenset[str]]:
    """The labels of metrics that have no series yet."""
    metrics = [m for m in vars(Metrics()).values() if isinstance(m, MetricWrapperBase)]
    return {next(iter(metric.describe())).name: frozenset(metric._labelnames) for metric in metrics}


def exposed(service: Service) -> Described:
    """What a running service shows, as it names it."""
    text = service.client.get("/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    found: Described = {}
    for family in text_string_to_metric_families(text):
        name = next(kind for kind in kinds if kind in {family.name, f"{family.name}_total"})
        labels = [frozenset(sample.labels) - OF_ANY for sample in family.samples]
        assert len(set(labels)) <= 1, f"{name} has not the same labels everywhere"
        found[name] = (kinds[name], labels[0] if labels else declared()[family.name])
    return found


@pytest.fixture
def used(start_service: StartService, sample: list[dict[str, str]]) -> Service:
    """A service in which as much as possible has happened, failures included."""
    with RedisServer() as redis:
        service = start_service("--store", redis.url)
        for url in (sample[0]["url"], sample[0]["url"], "https://x.com/nobody/status/1"):
            service.client.get("/v1/inference", params={"tweetUrl": url})
        eventually(lambda: "sentiserve_recorded_total 1.0" in service.client.get("/metrics").text)
        redis.stop()
        service.client.post("/v1/sentiment", json={"inputs": ["Without a memory."]})
    return service


def test_every_metric_is_documented_as_a_running_service_exposes_it(used: Service) -> None:
    """By name, type and labels; and nothing is documented that isn't there."""
    assert documented() == exposed(used)


def test_every_metric_of_a_service_in_use_has_a_series(used: Service) -> None:
    """None is declared that nothing ever counts; drift needs more posts than these."""
    text = used.client.get("/metrics").text
    silent = {f.name for f in text_string_to_metric_families(text) if not f.samples}
    assert not {name for name in silent if not name.startswith("sentiserve_drift")}


def test_each_worker_tells_the_same_of_itself(start_service: StartService) -> None:
    """With one label more, on every series."""
    service = start_service("--workers", "2")

    def both() -> bool:
        text = service.client.get("/metrics").text
        series = [s for f in text_string_to_metric_families(text) for s in f.samples]
        assert all("worker" in each.labels for each in series)
        ready = {s.labels["worker"]: s.value for s in series if s.name == "sentiserve_model_ready"}
        return ready == {"0": 1.0, "1": 1.0}

    eventually(both)
    assert exposed(service) == documented()


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.recorded.inc()
    assert b"sentiserve_recorded_total 1.0" in one.exposition()
    assert b"sentiserve_recorded_total 0.0" in other.exposition()
