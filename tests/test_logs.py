"""Logs are JSON for machines, or words for people, whoever writes them."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog

from sentiserve.errors import ModelError
from sentiserve.logs import configure_logs
from sentiserve.tracebacks import without_words

TEXT = "a private text"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    before = structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**before)


def say() -> None:
    structlog.get_logger("ours").warning("the copy is used", path="a", reason="b")
    logging.getLogger("theirs").warning("it is %s", "old")


def test_people_read_words(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", for_people=True)
    say()
    assert capfd.readouterr().err.splitlines() == [
        "sentiserve: warning: the copy is used (path: a, reason: b)",
        "sentiserve: warning: it is old",
    ]


def test_machines_read_json(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    say()
    ours, theirs = map(json.loads, capfd.readouterr().err.splitlines())
    assert (ours["event"], ours["path"]) == ("the copy is used", "a")
    assert (theirs["event"], theirs["level"]) == ("it is old", "warning")


def test_every_line_says_whose_it_is_whichever_thread_writes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure_logs("warning", worker=3)
    thread = threading.Thread(target=say)
    thread.start()
    thread.join()
    assert [json.loads(line)["worker"] for line in capfd.readouterr().err.splitlines()] == [3, 3]


def fail() -> None:
    """As a model does whose library repeats the text at which it failed."""
    try:
        try:
            raise ValueError(f"no token for {TEXT!r}")
        except ValueError as error:
            raise ModelError("the model failed") from error
    except ModelError:
        structlog.get_logger("ours").exception("model failed")
        logging.getLogger("theirs").exception("it failed")


def test_a_traceback_repeats_nothing_that_is_not_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """It says where and what kind; our own errors have their words."""
    configure_logs("debug")
    fail()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    for line in lines:
        trace = json.loads(line)["exception"]
        assert TEXT not in line
        assert trace.count("test_logs.py") == 2
        assert "\nValueError\n\nThe above exception was the direct cause" in trace
        assert trace.endswith("ModelError: the model failed")


def test_a_group_of_errors_and_what_came_before_are_told_without_words() -> None:
    """An error that somebody has already told of ends the chain; files keep their names."""
    try:
        try:
            raise KeyError(TEXT)
        except KeyError:
            raise ExceptionGroup(TEXT, [TypeError(TEXT), OSError(2, "gone", "a/b")])  # noqa: B904
    except ExceptionGroup as error:
        told = without_words((type(error), error, error.__traceback__))
    assert TEXT not in told
    assert "KeyError\n\nDuring handling" in told
    assert "TypeError" in told
    assert "FileNotFoundError: [Errno 2] gone: 'a/b'" in told


@pytest.mark.parametrize("wanted", [{"details": True}, {"for_people": True}])
def test_whoever_asks_for_it_gets_every_word(
    capfd: pytest.CaptureFixture[str], wanted: dict[str, bool]
) -> None:
    configure_logs("debug", **wanted)
    fail()
    assert capfd.readouterr().err.count(f"ValueError: no token for {TEXT!r}") == 2
