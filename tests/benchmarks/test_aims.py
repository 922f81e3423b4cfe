"""What was asked, against what was found."""

from typing import Any

import pytest

from benchmarks.serving.aims import ARTICLE, BARE, OURS, aims


def found(*rows: dict[str, Any], bundled: bool = False) -> dict[str, Any]:
    rows_ = [{"round": 1, **row} for row in rows]
    return {"model": {"bundled": bundled}, "rows": rows_}


def step(name: str, scenario: str, goodput: float, number: int = 1) -> dict[str, Any]:
    return {
        "contender": name,
        "scenario": scenario,
        "round": number,
        "rate": goodput,
        "passed": True,
        "goodput": goodput,
    }


@pytest.mark.parametrize(("ours", "verdict"), [(150, "met"), (140, "**missed**")])
def test_goodput_is_held_against_the_best_of_the_others(ours: float, verdict: str) -> None:
    table = aims(found(step(OURS, "new", ours), step("slow", "new", 10), step("quick", "new", 100)))
    assert f"{ours / 100:.2f} times quick ({ours} to 100) | {verdict} |" in table


def test_a_bare_route_is_no_peer() -> None:
    assert "Zipf" not in aims(found(step(OURS, "zipf", 100), step(BARE, "zipf", 100)))


def test_rounds_count_by_their_median() -> None:
    rows = [step(OURS, "new", goodput, number) for number, goodput in enumerate((90, 150, 1000))]
    assert "1.50 times a" in aims(found(*rows, *[step("a", "new", 100, n) for n in range(3)]))


def test_a_rate_is_held_against_the_articles_and_the_bare_routes() -> None:
    rates = {OURS: 3000.0, ARTICLE: 100.0, BARE: 7000.0}
    rows = [
        {"contender": name, "scenario": "hits closed", "answered": rate}
        for name, rate in rates.items()
    ]
    table = aims(found(*rows))
    assert "30.00 times (3,000 to 100) | met |" in table
    assert "0.43 times (3,000 to 7,000) | **missed**" in table


def test_a_crowd_must_be_answered_whole_by_one_fetch_and_one_inference() -> None:
    crowd = {"contender": OURS, "scenario": "crowd", "requests": 1000, "answered": 1000}
    assert "| met |" in aims(found({**crowd, "fetches": 1, "inferences": 1}))
    assert "missed" in aims(found({**crowd, "fetches": 1, "inferences": 2}))
    assert "missed" in aims(found({**crowd, "answered": 999, "fetches": 1, "inferences": 1}))


@pytest.mark.parametrize(
    ("memory", "verdict"),
    [([100, 150, 200, 201, 202, 203], "met"), ([100, 100, 100, 120, 140, 160], "missed")],
)
def test_memory_may_fill_at_first_but_not_grow_on(memory: list[int], verdict: str) -> None:
    table = aims(found({"contender": OURS, "scenario": "overload", "memory": memory}))
    assert verdict in next(line for line in table.splitlines() if "memory" in line)


def test_the_bundled_models_aims_are_not_held_against_another() -> None:
    start = {"contender": OURS, "scenario": "start", "s": 3.0}
    assert aims(found(start)) == ""
    assert "3.00 s | **missed** |" in aims(found(start, bundled=True))


def test_what_was_not_measured_is_not_judged() -> None:
    assert aims(found()) == ""
