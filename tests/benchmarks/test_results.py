"""What was measured, kept between runs."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving.__main__ import missing
from benchmarks.serving.parts import PARTS
from benchmarks.serving.plan import Plan
from benchmarks.serving.results import OtherSettingsError, Results

ABOUT: dict[str, Any] = {"machine": "2 cores", "plan": {"overload": (60.0, 12.0)}}


def row(number: int, rate: float, *, passed: bool) -> dict[str, Any]:
    return {"contender": "a", "scenario": "new", "round": number, "rate": rate, "passed": passed}


def test_a_run_goes_on_where_another_ended(tmp_path: Path) -> None:
    results = Results(ABOUT, {"b": "not installed"})
    results.add("texts", 1, [row(1, 10, passed=True)])
    results.save(tmp_path / "results.json")
    again = Results.open(tmp_path / "results.json", ABOUT, {})
    assert again.has("texts", 1)
    assert not again.has("texts", 2)
    assert (again.rows, again.left_out) == (results.rows, results.left_out)


def test_figures_of_other_settings_are_refused(tmp_path: Path) -> None:
    """Figures of two machines, or of two plans, must not stand in one table."""
    Results(ABOUT).save(tmp_path / "results.json")
    with pytest.raises(OtherSettingsError, match="machine"):
        Results.open(tmp_path / "results.json", ABOUT | {"machine": "4 cores"}, {})


def test_the_first_round_of_everything_comes_before_the_second() -> None:
    results = Results(ABOUT)
    results.add("texts", 1, [])
    left = list(missing(results, list(PARTS), Plan(rounds=2)))
    assert left[0] == ("hits", 1)
    assert [number for _, number in left] == sorted(number for _, number in left)
    assert ("texts", 1) not in left
    assert ("texts", 2) in left


def test_what_may_harm_a_server_is_asked_once() -> None:
    left = list(missing(Results(ABOUT), ["overload"], Plan(rounds=3)))
    assert left == [("overload", 1)]


def test_a_round_begins_at_what_earlier_ones_found() -> None:
    results = Results(ABOUT)
    results.add("texts", 1, [row(1, 10, passed=True), row(1, 20, passed=True)])
    results.add("texts", 2, [row(2, 30, passed=True), row(2, 90, passed=False)])
    assert results.estimate("a", "new") == 25
    assert results.estimate("b", "new") is None
