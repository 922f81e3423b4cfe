"""The search for the highest rate that is answered in time."""

import pytest

from benchmarks.serving.capacity import best, search
from benchmarks.serving.shots import OK, Shots


class Fire:
    """Answers all within 10 ms up to its capacity, and all in a second beyond it."""

    def __init__(self, capacity: float) -> None:
        self._capacity = capacity

    def __call__(self, rate: float) -> Shots:
        latency = 0.01 if rate <= self._capacity else 1.0
        return Shots(1.0, [OK] * 100, [latency] * 100, [0.0] * 100)


@pytest.mark.parametrize("estimate", [20, 70, 100, 130, 400])
def test_the_capacity_is_found_from_any_estimate(estimate: float) -> None:
    found = best(search(Fire(100), estimate, steps=9))
    assert found
    assert 80 < found.rate <= 100


def test_a_low_estimate_does_not_end_the_search_before_something_fails() -> None:
    tried = search(Fire(100), 20, steps=4)
    assert not tried[-1].passed
    assert len(search(Fire(1e9), 20, steps=4)) == 8


def test_nothing_is_found_where_nothing_is_in_time() -> None:
    assert best(search(Fire(0), 100, steps=4)) is None


def test_one_late_answer_in_a_hundred_is_allowed_and_two_are_not() -> None:
    def late(number: int) -> Shots:
        return Shots(1.0, [OK] * 100, [0.01] * (100 - number) + [1.0] * number, [0.0] * 100)

    assert search(lambda _: late(1), 10, steps=1)[0].passed
    assert not search(lambda _: late(2), 10, steps=1)[0].passed


def test_a_refusal_is_no_answer_in_time() -> None:
    def refusing(_: float) -> Shots:
        return Shots(1.0, [OK] * 90 + [503] * 10, [0.01] * 100, [0.0] * 100)

    assert not search(refusing, 10, steps=1)[0].passed
