"""What came of the requests of a load, and the figures of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

OK = 200
REFUSED = (429, 503)  # a service that says at once that it can't; anything else is a failure
FAILED, LATE = 0, -1  # in place of a status: the connection broke; no answer in time


@dataclass(slots=True)
class Shots:
    """What came of the requests.

    Attributes:
        seconds: from the first request that was due to the last.
        statuses: of each answer; ``FAILED`` for a broken connection, ``LATE`` for none in time.
        latencies: seconds from when a request was due to its answer's last byte.
        lag: seconds by which each request was sent too late by the generator.
        generator: the share of one core that the generator took meanwhile.
    """

    seconds: float = 0.0
    statuses: list[int] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    generator: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note how long something took, and how much of a core we."""
        started, worked = time.perf_counter(), time.process_time()
        yield
        self.seconds = time.perf_counter() - started
        self.generator = (time.process_time() - worked) / self.seconds

    def add(self, status: int, latency: float) -> None:
        """Note an answer."""
        self.statuses.append(status)
        self.latencies.append(latency)

    def of(self, *statuses: int) -> NDArray[np.float64]:
        """The latencies of all with one of these statuses, sorted."""
        chosen = np.isin(np.array(self.statuses), statuses)
        return np.sort(np.array(self.latencies, dtype=np.float64)[chosen])

    def share_within(self, seconds: float) -> float:
        """Which part of all requests was answered with 200 within so many seconds."""
        return float((self.of(OK) <= seconds).sum() / max(len(self.statuses), 1))

    def goodput(self, within: float) -> float:
        """Answers with status 200 within so many seconds, a second."""
        return float((self.of(OK) <= within).sum() / self.seconds) if self.seconds else 0.0

    def figures(self, within: float) -> dict[str, float | None]:
        """Rates a second, times in milliseconds; None where there is nothing to time."""
        ok, refused = self.of(OK), self.of(*REFUSED)
        sent, seconds = len(self.statuses), max(self.seconds, 1e-9)
        return {
            "offered": round(sent / seconds, 2),
            "answered": round(len(ok) / seconds, 2),
            "goodput": round(self.goodput(within), 2),
            "refused": len(refused),
            "failed": sent - len(ok) - len(refused),
            "p50": milliseconds(ok, 0.5),
            "p90": milliseconds(ok, 0.9),
            "p99": milliseconds(ok, 0.99),
            "refused_p99": milliseconds(refused, 0.99),
            "lag_p99": milliseconds(np.array(self.lag), 0.99),
            "generator": round(self.generator, 3),
        }


def milliseconds(seconds: NDArray[np.float64], share: float) -> float | None:
    """A quantile."""
    return round(1e3 * float(np.quantile(seconds, share)), 2) if len(seconds) else None
