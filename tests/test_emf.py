"""Metrics as CloudWatch reads them out of the log."""

import asyncio
import json
from typing import Any

import pytest
from processes import StartService

from sentiserve import emf
from sentiserve.emf import FIGURES, Emf, writing
from sentiserve.metrics import Metrics


def read(line: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_line_describes_its_figures_as_the_format_wants() -> None:
    """One namespace, one dimension, and a root member for each name that is described."""
    document = read(Emf(Metrics(), "demo").line())
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "sentiserve"
    assert directive["Dimensions"] == [["service"]]
    assert document["service"] == "demo"
    assert all(metric["Unit"] in {"Count", "Seconds"} for metric in directive["Metrics"])
    assert [metric["Name"] for metric in directive["Metrics"]] == [f.name for f in FIGURES]
    assert all(isinstance(document[figure.name], float) for figure in FIGURES)
    assert isinstance(document["_aws"]["Timestamp"], int)
    assert 1.7e12 < document["_aws"]["Timestamp"] < 1e13  # milliseconds


def test_counters_say_what_came_since_the_line_before_and_gauges_what_there_is() -> None:
    """Sums over lines are totals, and a queue that stays is seen again."""
    metrics = Metrics()
    lines = Emf(metrics, "demo")
    metrics.predictions.labels("hit").inc(3)
    metrics.queued_texts.set(7)
    first, second = read(lines.line()), read(lines.line())
    assert (first["Hits"], first["Misses"], first["QueuedTexts"]) == (3, 0, 7)
    assert (second["Hits"], second["QueuedTexts"]) == (0, 7)


def test_a_post_that_is_not_there_is_no_failure_of_its_source() -> None:
    """Only what a source did wrong counts, of all sources together."""
    metrics = Metrics()
    metrics.source_errors.labels("oembed", "NotFoundError").inc()
    metrics.source_errors.labels("oembed", "SourceTimeoutError").inc()
    metrics.source_errors.labels("bluesky", "SourceError").inc()
    assert read(Emf(metrics, "demo").line())["SourceErrors"] == 2


def test_each_figure_is_of_a_metric_that_there_is() -> None:
    """A metric that was renamed would be zero for ever."""
    metrics = Metrics()
    metrics.predictions.labels("hit")
    metrics.store_errors.labels("get")
    metrics.source_errors.labels("x", "SourceError")
    assert {figure.sample for figure in FIGURES} <= {sample.name for sample in metrics.samples()}


async def test_lines_come_again_and_again_and_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens after the last line of the clock is in one more."""
    monkeypatch.setattr(emf, "_EVERY", 0.01)
    metrics, lines = Metrics(), list[str]()
    async with writing(metrics, "demo", lines.append):
        while len(lines) < 2:
            await asyncio.sleep(0.01)
        metrics.recorded.inc()
        metrics.predictions.labels("miss").inc()
    assert read(lines[-1])["Misses"] + read(lines[-2])["Misses"] == 1


def test_the_service_writes_lines_only_if_it_is_told_to(start_service: StartService) -> None:
    """With prometheus, the default, the log has none."""
    with start_service(METRICS="emf", SERVICE="demo") as told, start_service() as untold:
        model = told.client.get("/v1/model").json()["id"]
        told.client.post("/v1/sentiment", json={"inputs": ["What a day!"]}).raise_for_status()
        assert (told.stop(), untold.stop()) == (0, 0)
    lines = [event for event in told.events() if "_aws" in event]
    assert sum(line["Misses"] for line in lines) == 1
    assert (lines[-1]["model"], lines[-1]["service"]) == (model, "demo")
    assert not [event for event in untold.events() if "_aws" in event]
