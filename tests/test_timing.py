"""Times of parts that run one after another and side by side."""

from sentiserve.timing import Timing


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
    assert "store" in timing.seconds


def test_together_the_longest_time_of_each_part_counts() -> None:
    timings = [Timing({"store": 1.0, "model": 5.0}), Timing({"store": 2.0})]
    assert Timing.together(timings).seconds == {"store": 2.0, "model": 5.0}
