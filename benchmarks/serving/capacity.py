"""The highest rate at which a service still answers in time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.serving.shots import Shots

IN_TIME = 0.1  # seconds
SHARE = 0.99  # of all requests, refused and failed ones included: p99 is at most IN_TIME
_HIGHER, _LOWER = 1.4, 0.6  # while there is no bracket yet


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried."""

    rate: float
    shots: Shots

    @property
    def passed(self) -> bool:
        """Whether it was answered in time."""
        return self.shots.share_within(IN_TIME) >= SHARE


def search(fire: Callable[[float], Shots], estimate: float, steps: int) -> list[Step]:
    """Try rates: from the estimate up or down to a bracket, then within it.

    As long as all pass there is no bracket, and up to twice as many are tried.
    """
    tried: list[Step] = []
    rate, most = estimate, steps
    while len(tried) < most:
        tried.append(Step(rate, fire(rate)))
        passed = [step.rate for step in tried if step.passed]
        failed = [step.rate for step in tried if not step.passed]
        most = steps if failed else 2 * steps
        rate = _next(passed, failed)
    return tried


def best(tried: Sequence[Step]) -> Step | None:
    """The one that passed at the highest rate."""
    return max((step for step in tried if step.passed), key=lambda step: step.rate, default=None)


def _next(passed: Sequence[float], failed: Sequence[float]) -> float:
    if not failed:
        return max(passed) * _HIGHER
    below = [rate for rate in passed if rate < min(failed)]
    return math.sqrt(max(below) * min(failed)) if below else min(failed) * _LOWER
