"""What the measurements become: tables, a picture, and a part of a page."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.serving.plot import draw
from benchmarks.serving.tables import BEGIN, END, between, tables

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def step(name: str, number: int, rate: float, *, passed: bool) -> dict[str, Any]:
    return {
        "contender": name,
        "scenario": "new",
        "round": number,
        "rate": rate,
        "passed": passed,
        "goodput": rate if passed else rate / 2,
        "p99": 50.0 if passed else 500.0,
    }


RESULTS: dict[str, Any] = {
    "machine": "2 cores",
    "model": {"name": "tiny", "format": "onnx", "id": "0", "bundled": False},
    "lengths": "tweets",
    "plan": {"rounds": 3, "step": 4.0},
    "contenders": {"sentiserve": {"runs": "this"}, "other": {"runs": "that"}},
    "left_out": {"third": "not installed\nand more"},
    "rows": [
        *[step("sentiserve", n, rate, passed=True) for n, rate in enumerate((80, 120, 100))],
        step("sentiserve", 0, 60, passed=True),
        step("sentiserve", 1, 200, passed=False),
        *[step("other", n, 25, passed=True) for n in range(2)],
        step("other", 2, 25, passed=False),
    ],
}


def test_goodput_is_the_median_of_each_rounds_best() -> None:
    assert "| sentiserve | 100 | 50 |" in tables(RESULTS)


def test_ours_is_held_against_the_best_of_the_others() -> None:
    assert "| 4.00 times other (100 to 25) | met |" in tables(RESULTS)


def test_who_is_left_out_is_named_with_the_reason() -> None:
    assert "- Left out: third: not installed\n" in tables(RESULTS)


def test_what_was_not_measured_has_no_table() -> None:
    assert "Three times" not in tables(RESULTS)


def test_only_what_is_between_the_marks_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert between(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        between("a page", "new")


def test_our_page_has_the_marks() -> None:
    assert "new" in between(PAGE.read_text("utf-8"), "new")


def test_the_picture_has_a_line_for_each(tmp_path: Path) -> None:
    draw(RESULTS, tmp_path / "goodput.svg")
    text = "".join(ET.parse(tmp_path / "goodput.svg").getroot().itertext())
    assert "sentiserve" in text
    assert "other" in text
