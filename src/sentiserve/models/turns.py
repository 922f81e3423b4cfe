"""Time things against each other, fairly, on a machine that does other work as well."""

import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_WARM_UP = 8  # inputs, run before the clock starts
_REST = 0.001  # seconds in which the threads of one engine stop spinning before the next begins


def take_turns(
    runs: Sequence[Callable[[T], object]],
    inputs: Sequence[T],
    rounds: int,
    on_turn: Callable[[int, int], object] = lambda _done, _total: None,
) -> NDArray[np.float64]:
    """Seconds of every run on every input: float64 of shape (runs, rounds, inputs).

    For each input, all have their turn one after the other, each time another one first: what
    disturbs the machine disturbs all of them alike.

    Args:
        runs: what is timed.
        inputs: what each of them is given, one at a time.
        rounds: how often.
        on_turn: told how many inputs are done, of how many.
    """
    for run, given in product(runs, inputs[:: max(1, len(inputs) // _WARM_UP)]):
        run(given)
    seconds = np.empty((len(runs), rounds, len(inputs)))
    for done, (round_, i) in enumerate(product(range(rounds), range(len(inputs))), start=1):
        for turn in range(len(runs)):
            which = (turn + round_ + i) % len(runs)
            time.sleep(_REST)
            started = time.perf_counter()
            runs[which](inputs[i])
            seconds[which, round_, i] = time.perf_counter() - started
        on_turn(done, seconds[0].size)
    return seconds
