"""Turns: everything is run on everything, and each goes first as often as the others."""

from collections import Counter
from functools import partial

from sentiserve.models.turns import take_turns


def test_each_input_is_timed_once_a_round_for_each_run() -> None:
    seconds = take_turns([lambda _: None] * 2, ["a", "b", "c"], rounds=4)
    assert seconds.shape == (2, 4, 3)
    assert (seconds > 0).all()


def test_all_have_their_turn_on_one_input_before_the_next_comes() -> None:
    calls: list[tuple[int, str]] = []
    runs = [partial(lambda which, given: calls.append((which, given)), i) for i in range(3)]
    take_turns(runs, ["a", "b"], rounds=3)
    timed = calls[-3 * 2 * 3 :]
    turns = [timed[i : i + 3] for i in range(0, len(timed), 3)]
    assert [{given for _, given in turn} for turn in turns] == [{"a"}, {"b"}] * 3
    assert all({which for which, _ in turn} == {0, 1, 2} for turn in turns)
    assert set(Counter(turn[0][0] for turn in turns).values()) == {2}


def test_whoever_waits_is_told_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    take_turns([len], ["a", "b"], 2, lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
