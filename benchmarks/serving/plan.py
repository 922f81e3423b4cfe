"""How long everything is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes, in seconds where nothing else is said.

    Attributes:
        rounds: turns of each contender with texts and with hits; the rest is asked once.
        step: of one rate that is tried.
        steps: rates that are tried.
        closed: of a closed loop.
        overload: of three times the capacity, ours and the others'.
        long: with a long text each second, and as long without.
        crowd: requests for one new post at the same moment.
    """

    rounds: int = 3
    step: float = 2.5
    steps: int = 4
    closed: float = 5.0
    overload: tuple[float, float] = (60.0, 12.0)
    long: float = 12.0
    crowd: int = 1000


FULL = Plan()
QUICK = Plan(rounds=1, step=1.0, steps=3, closed=1.0, overload=(3.0, 2.0), long=2.0, crowd=200)
