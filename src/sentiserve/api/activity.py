"""What the service did in the last hour, minute by minute, read off the metrics' counters.

A request costs nothing more by it: every few seconds the counters are read, and what they grew by
belongs to the minute of the reading.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Self

import msgspec

from sentiserve.metrics import Metrics

MINUTES = 60  # that are kept
ROUTES = ("/v1/inference", "/v1/sentiment")  # whose time is told
_EVERY = 5.0  # seconds
_ALL = "+Inf"  # Prometheus' word for the last bucket of a histogram, which counts all

Tally = Counter[str]
"""Posts by outcome, and requests that took at most so many seconds by that bound."""


class Activity:
    """What one process did, by minutes since the epoch; those without anything are left out."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        """Take the metrics that are read, and what tells the time."""
        self._metrics = metrics
        self._clock = clock
        self._before = _totals(metrics)
        self._minutes: dict[int, Tally] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Read on and on."""
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def minutes(self) -> Mapping[int, Tally]:
        """What happened in each minute, up to now."""
        now = int(self._clock() // 60)
        totals = _totals(self._metrics)
        if totals != self._before:
            grown = {name: count - self._before[name] for name, count in totals.items()}
            self._minutes.setdefault(now, Counter()).update(grown)  # empty buckets have bounds too
        self._before = totals
        for minute in [minute for minute in self._minutes if minute <= now - MINUTES]:
            del self._minutes[minute]
        return self._minutes

    def told(self) -> bytes:
        """The minutes as ``together`` takes them."""
        return msgspec.msgpack.encode(self.minutes())

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            self.minutes()


def together(told: Iterable[bytes]) -> Mapping[int, Tally]:
    """The minutes of several workers, added up."""
    minutes: dict[int, Tally] = {}
    for raw in told:
        for minute, tally in msgspec.msgpack.decode(raw, type=dict[int, dict[str, int]]).items():
            minutes.setdefault(minute, Counter()).update(tally)
    return minutes


def quantile(tally: Mapping[str, int], share: float) -> float | None:
    """The seconds within which this share of the requests was answered; None without any.

    Linear within a bucket, as Prometheus' ``histogram_quantile``: no finer than the buckets are,
    and the last bound for all that took longer.
    """
    rank = share * tally.get(_ALL, 0)
    if not rank:
        return None
    bounds = {float(name): count for name, count in tally.items() if name[0].isdigit()}
    lower, below = 0.0, 0
    for bound, count in sorted(bounds.items()):
        if count >= rank:
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return lower


def _totals(metrics: Metrics) -> Tally:
    totals: Tally = Counter()
    for metric in metrics.predictions.collect():
        for sample in metric.samples:
            totals[sample.labels["outcome"]] += int(sample.value)
    for metric in metrics.request_seconds.collect():
        for sample in metric.samples:
            if (bound := sample.labels.get("le")) and sample.labels["route"] in ROUTES:
                totals[bound] += int(sample.value)
    return totals
