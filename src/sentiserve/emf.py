"""Metrics as lines of the log, in CloudWatch's embedded metric format (EMF).

CloudWatch takes figures out of JSON lines that describe them, so no agent has to run beside the
service and nothing has to reach it. Each figure costs money every month, so only those are written
that a dashboard or an alarm shows; ``/metrics`` has all.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Literal, NamedTuple

import msgspec
from prometheus_client.samples import Sample

from sentiserve.metrics import Metrics

NAMESPACE = "sentiserve"
DIMENSION = "service"  # the only one: each value of a dimension is another series to pay for
_EVERY = 10.0  # seconds


class Figure(NamedTuple):
    """One figure of a line, from one metric of ``/metrics``.

    Attributes:
        sample: the metric's name there.
        labels: with any of these; the sum of all, where none are given.
        now: whether it says how much there is, and not how much came since the line before.
    """

    name: str
    unit: Literal["Count", "Seconds"]
    sample: str
    labels: frozenset[str] = frozenset()
    now: bool = False

    def total(self, samples: Iterable[Sample]) -> float:
        """What the samples say."""
        return sum(
            sample.value
            for sample in samples
            if sample.name == self.sample
            and (not self.labels or not self.labels.isdisjoint(sample.labels.values()))
        )


_FAILURES = frozenset(  # of a source: a post that is not there is none
    {
        "SourceError",
        "SourceTimeoutError",
        "SourceRefusedError",
        "QuotaExhaustedError",
        "BudgetExhaustedError",
    }
)
FIGURES = (
    Figure("Hits", "Count", "sentiserve_predictions_total", frozenset({"hit"})),
    Figure("Misses", "Count", "sentiserve_predictions_total", frozenset({"miss"})),
    Figure("Refused", "Count", "sentiserve_predictions_total", frozenset({"refused"})),
    Figure("Failed", "Count", "sentiserve_predictions_total", frozenset({"failed"})),
    Figure("QueuedTexts", "Count", "sentiserve_queued_texts", now=True),
    Figure("QueuedRecords", "Count", "sentiserve_queued_records", now=True),
    Figure("Inferences", "Count", "sentiserve_inference_seconds_count"),
    Figure("InferenceSeconds", "Seconds", "sentiserve_inference_seconds_sum"),
    Figure("StoreErrors", "Count", "sentiserve_store_errors_total"),
    Figure("SourceErrors", "Count", "sentiserve_source_errors_total", _FAILURES),
)


class Emf:
    """The lines of one service."""

    def __init__(self, metrics: Metrics, service: str) -> None:
        """Take the metrics, and the service's name: what tells its figures from another's."""
        self._metrics = metrics
        self._service = service
        self._before = dict.fromkeys(FIGURES, 0.0)

    def line(self) -> str:
        """What happened since the last one, with the id of the model that answers."""
        samples = self._metrics.samples()
        totals = {figure: figure.total(samples) for figure in FIGURES}
        values = {
            figure.name: round(total if figure.now else total - self._before[figure], 6)
            for figure, total in totals.items()
        }
        self._before = totals
        described = {
            "Namespace": NAMESPACE,
            "Dimensions": [[DIMENSION]],
            "Metrics": [{"Name": figure.name, "Unit": figure.unit} for figure in FIGURES],
        }
        document = {
            "event": "figures",
            "model": _model_id(samples),
            DIMENSION: self._service,
            **values,
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [described]},
        }
        return msgspec.json.encode(document).decode()


def _model_id(samples: Iterable[Sample]) -> str | None:
    """None until there is one."""
    return next((s.labels.get("id") for s in samples if s.name == "sentiserve_model_info"), None)


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")  # in one go, for others write there too
    sys.stderr.flush()


@asynccontextmanager
async def writing(
    metrics: Metrics, service: str, write: Callable[[str], None] = _write
) -> AsyncIterator[None]:
    """Write a line every ten seconds, and one in the end, to standard error as the log does."""
    emf = Emf(metrics, service)

    async def again() -> None:
        while True:
            await asyncio.sleep(_EVERY)
            write(emf.line())

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        write(emf.line())
