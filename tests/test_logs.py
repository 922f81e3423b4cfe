"""Logs are JSON for machines, or words for people, whoever writes them."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog

from sentiserve.logs import configure_logs


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
