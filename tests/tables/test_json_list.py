"""The elements of a JSON list, one by one."""

import json
import re
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.tables import json_list
from sentiserve.tables.json_list import Broken, NoListError, count, elements

START = re.compile(r"\s*\[")


def read(text: str, size: int = 7) -> list[Any]:
    """The elements, from chunks of a size."""
    return list(elements((text[at : at + size] for at in range(0, len(text), size)), START))


def broken(found: list[Any]) -> list[bool]:
    return [isinstance(element, Broken) for element in found]


json_values = st.recursive(
    st.none() | st.booleans() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
)


@given(st.lists(json_values), st.integers(1, 50), st.sampled_from([None, 2]))
def test_elements_are_those_of_the_list(given_list: list[Any], size: int, indent: int) -> None:
    assert read(json.dumps(given_list, indent=indent), size) == given_list


@given(st.integers(0, 100), st.integers(1, 50), st.sampled_from([None, 2]))
def test_elements_that_begin_alike_are_counted(number: int, size: int, indent: int) -> None:
    written = json.dumps([{"t": {"n": n}} for n in range(number)], indent=indent)
    assert count((written[at : at + size] for at in range(0, len(written), size)), START) == number


def test_a_long_list_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pieces it is read in, each element counts once."""
    monkeypatch.setattr(json_list, "MAX_ELEMENT", 1_000)
    written = json.dumps([{"t": str(n)} for n in range(5_000)])
    for size in (1, 700, 1_001):
        chunks = (written[at : at + size] for at in range(0, len(written), size))
        assert count(chunks, START) == 5_000


def test_numbers_stay_as_they_are_written() -> None:
    """An id of any length loses no digit, and costs no time."""
    number = "9" * 10_000
    assert read(f"[1.50, -0, {number}]") == ["1.50", "-0", number]


@pytest.mark.parametrize("end", ["]", "] ", "];", "]\n;\n"])
def test_a_list_may_end_as_a_statement_does(end: str) -> None:
    assert read(f'[{{"a": 1}}{end}') == [{"a": "1"}]


@pytest.mark.parametrize(
    "bad",
    [
        '{"t": 1',
        '{"t": 1}}',
        '{"t": [1}',
        '{"t": "1}',
        '{"t": "a\nb"}',
        "{t: 1}",
        '{"t" 1}',
        "nonsense",
        "{",
        "}",
        "]",
        '{"t": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"t": ' + '{"t":' * 5_000,
    ],
)
def test_a_broken_element_costs_itself_alone(bad: str) -> None:
    first, *others = read('[{"t": "before"},\n' + bad + ',\n{"t": "after"}, {"t": "last"}]', 1_000)
    assert first == {"t": "before"}
    assert any(broken(others))
    assert others[-2:] == [{"t": "after"}, {"t": "last"}]


@pytest.mark.parametrize("end", ["", ",", ', {"t"', ', {"t": "x', "] more", "]]"])
def test_an_end_that_is_missing_or_not_the_end_is_told(end: str) -> None:
    first, *others = read('[{"t": "1"}' + end)
    assert first == {"t": "1"}
    assert others
    assert all(broken(others))


def test_a_broken_element_at_the_end_is_one_element() -> None:
    assert broken(read('[{"t": 1}, {"t": oops}]')) == [False, True]


def test_what_follows_a_wrong_end_is_read() -> None:
    assert broken(read('[{"t": 1}], {"t": 2}, {"t": 3}]')) == [False, True, False, False]


@pytest.mark.parametrize("length", [900, 1_000, 1_001, 2_100, 5_000, 20_000])
def test_an_overlong_element_is_broken(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """However long it is, its neighbours are fine."""
    monkeypatch.setattr(json_list, "MAX_ELEMENT", 1_000)
    element = '{"t":"' + "x" * (length - 8) + '"}'
    found = read('[{"t":"a"},' + element + ',{"t":"b"}]')
    assert broken(found) == [False, length > 1_000, False]
    assert found[-1] == {"t": "b"}


@pytest.mark.parametrize("bad", ['{"t"x', '{"', '{"t":', "[", "]", ",", " ", "{},", "\\"])
def test_no_list_takes_long(bad: str) -> None:
    """However much is broken, behind however long an element, each character costs the same."""
    begin = time.process_time()
    read('[{"t": "' + "🎉" * 1_000_000 + '"},' + bad * 20_000, 1_000_000)
    assert time.process_time() - begin < 5  # tenths of a second; by the square, much more


def test_memory_does_not_grow_with_the_list() -> None:
    """Of a hundred million characters, some millions are held at once."""
    held = 0

    def chunks() -> Iterator[str]:
        nonlocal held
        yield "["
        for _ in repeat(None, 100):
            held += 1
            yield '{"t": "' + "x" * 999_980 + '"},\n'
        yield "]"

    most = 0
    for element in elements(chunks(), START):
        held -= isinstance(element, dict)
        most = max(most, held)
    assert most < 5


def test_what_does_not_begin_as_the_list_is_no_list() -> None:
    with pytest.raises(NoListError, match="it begins with '{}'"):
        read("{}")


@given(st.text(), st.integers(1, 50))
def test_any_text_is_elements(text: str, size: int) -> None:
    assert isinstance(read("[" + text, size), list)


@given(st.text(st.sampled_from('{}[]":,\\ a1\n')), st.integers(1, 50))
def test_any_text_like_json_is_elements(text: str, size: int) -> None:
    found = read('[{"a": 1},' + text + ',{"a": 2}]', size)
    assert found[0] == {"a": "1"}


def test_a_text_that_is_cut_off_says_that_more_may_be_missing() -> None:
    _, cut = read('[{"t": "a"}, {"t": "b')
    assert cut == Broken("not JSON: a text has no end; later posts may be missing")
