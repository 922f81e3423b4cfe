"""Times of parts that run one after another and side by side, and how long the store may take."""

import asyncio

import pytest

from sentiserve.errors import StoreTimeoutError
from sentiserve.timing import Part, Timing, store_within


def test_a_block_is_timed() -> None:
    timing = Timing()
    with timing.of("store"):
        pass
    assert 0 <= timing.seconds["store"] < 1


def test_a_failing_block_is_timed_too() -> None:
    timing = Timing()
    try:
        with timing.of("store"):
            raise ValueError
    except ValueError:
        pass
    assert timing.parts["store"].facts == {"error": "ValueError"}


def test_together_the_longest_time_of_each_part_counts() -> None:
    timings = [
        Timing({"store": Part(7, 1.0), "model": Part(8, 5.0)}),
        Timing({"store": Part(9, 2.0)}),
    ]
    together = Timing.together(timings)
    assert together.seconds == {"store": 2.0, "model": 5.0}
    assert together.parts["store"].began == 9


async def test_a_store_that_takes_too_long_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        StoreTimeoutError, match=r"within 0\.01 s; ask for fewer, or raise SENTISERVE_STORE_TIMEOUT"
    ):
        async with store_within(0.01, "ask for fewer"):
            await asyncio.sleep(10)
