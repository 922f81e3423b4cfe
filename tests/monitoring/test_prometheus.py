"""The real Prometheus reads a real service, with our rules and every question of the dashboard."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from processes import Service, eventually
from prometheus import DASHBOARD, Prometheus, alerts, expressions, filled, metrics_in, rules

KEY = "a-key-of-the-tests"
QUIET = {"Failures by operation", "Drifted features", "How far"}  # of few posts, that all went well


@dataclass(frozen=True, slots=True)
class Watched:
    """A service that was used, and who reads its metrics."""

    service: Service
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, sample: list[dict[str, str]]
) -> Iterator[Watched]:
    with Service(tmp_path_factory.mktemp("watched"), API_KEYS=KEY) as service:
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        target = service.url.removeprefix("http://")
        with Prometheus(tmp_path_factory.mktemp("prometheus"), target, KEY) as prometheus:
            used = Watched(service, prometheus)
            eventually(lambda: _use(used, sample))
            yield used


def _use(watched: Watched, sample: list[dict[str, str]]) -> bool:
    """Ask for what is there, what isn't and what is new, until Prometheus has seen it grow."""
    client = watched.service.client
    for post in (sample[0]["url"], "https://x.com/nobody/status/1"):
        client.get("/v1/inference", params={"tweetUrl": post})
    client.post("/v1/sentiment", json={"inputs": [f"A text of {time.monotonic()}."]})
    seen = ("batch_size_count", "source_errors_total", 'predictions_total{outcome="hit"}')
    return all(watched.prometheus.query(f"rate(sentiserve_{name}[1m]) > 0") for name in seen)


def names(service: Service) -> set[str]:
    """Every series of what the service exposes, and every metric that has none yet."""
    text = service.client.get("/metrics").text
    return set(re.findall(r"^(?:# TYPE )?(\w+)[ {]", text, re.MULTILINE))


def test_the_service_is_found_and_read_with_its_key(watched: Watched) -> None:
    (target,) = watched.prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["labels"]["job"] == "sentiserve"


def test_every_rule_is_evaluated_and_none_fires(watched: Watched) -> None:
    def evaluated() -> list[dict[str, str]] | None:
        groups = watched.prometheus.ask("rules")["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return found if all(rule["health"] != "unknown" for rule in found) else None

    known = eventually(evaluated)
    assert {rule["name"]: rule["lastError"] for rule in known if rule["health"] != "ok"} == {}
    found = {rule["name"]: rule["state"] for rule in known if rule["type"] == "alerting"}
    assert set(found) == {rule["alert"] for rule in alerts()}
    assert not [name for name, state in found.items() if state == "firing"]


def test_every_panel_has_something_to_show(watched: Watched) -> None:
    """Prometheus understands each question, and only failures and drift are empty."""
    empty = {title for title, asked in expressions() if not watched.prometheus.query(asked)}
    assert empty <= QUIET


def test_a_panel_shows_what_happened(watched: Watched) -> None:
    """Of the posts that were asked for some are remembered, and all requests were answered."""
    asked = dict(expressions())
    (hits,) = watched.prometheus.query(asked["Remembered"])
    (failing,) = watched.prometheus.query(asked["Failing"])
    assert 0 < float(hits["value"][1]) < 1
    assert float(failing["value"][1]) == 0


def test_the_choices_and_marks_are_answered_too(watched: Watched) -> None:
    """Each variable has a value to choose."""
    dashboard = json.loads(DASHBOARD.read_text())
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, _, label = variable["query"].removeprefix("label_values(").partition(", ")
            (found,) = {
                tuple(each["metric"])
                for each in watched.prometheus.query(
                    f"group by ({label.removesuffix(')')}) ({filled(metric)})"
                )
            }
            assert found == (label.removesuffix(")"),)
    for mark in dashboard["annotations"]["list"]:
        watched.prometheus.query(filled(mark["expr"]))


def test_nothing_is_asked_for_that_no_service_exposes(watched: Watched) -> None:
    """A metric that was renamed leaves no panel and no rule behind."""
    asked = [*(rule["expr"] for rule in rules()), *(each for _, each in expressions())]
    named = set().union(*map(metrics_in, asked))
    recorded = {name for name in named if name.startswith("sentiserve_failures")}
    assert named - recorded <= names(watched.service)
