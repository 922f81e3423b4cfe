"""Logs on standard error: JSON lines, or words; events and ids, never texts or secrets."""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import structlog
from structlog.processors import ExceptionRenderer
from structlog.typing import EventDict, Processor

from sentiserve.tracebacks import without_words, word_for_word


def configure_logs(
    level: str, *, for_people: bool = False, details: bool = False, **facts: object
) -> None:
    """Log from this level on, our own events and the libraries' warnings alike.

    Args:
        level: the lowest that is logged.
        for_people: in words, as the commands that people run do.
        details: what errors that aren't ours say, too, which may repeat a text; people get it.
        facts: what every line says, whichever thread it comes from.
    """

    def with_facts(_: object, __: str, event: EventDict) -> EventDict:
        return {**event, **facts}

    render: Processor = _in_words if for_people else structlog.processors.JSONRenderer(_json)
    shared: list[Processor] = [
        with_facts,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    traceback = ExceptionRenderer(word_for_word if for_people or details else without_words)
    lines = _Lines(sys.stderr)
    structlog.configure(
        processors=[
            *shared,
            traceback,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                traceback,
                render,
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Lines:
    """Writes whole lines, for workers share the file; those of one turn of the loop together."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._unwritten: list[str] = []

    def msg(self, line: str) -> None:
        """Write a line, now or at the end of this turn."""
        self._unwritten.append(f"{line}\n")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread, or no loop at all
            self._flush()
        else:
            if len(self._unwritten) == 1:
                loop.call_soon(self._flush)

    debug = info = warning = msg

    def error(self, line: str) -> None:
        """Write a line now: nobody knows what comes next."""
        self._unwritten.append(f"{line}\n")
        self._flush()

    critical = exception = error

    def _flush(self) -> None:
        lines, self._unwritten = self._unwritten, []
        self._file.write("".join(lines))
        self._file.flush()


def _json(event: EventDict, default: Callable[[Any], Any]) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()


def _in_words(_: object, __: str, event: EventDict) -> str:
    """``sentiserve: warning: what happened (key: value, …)``."""
    said = f"sentiserve: {event.pop('level')}: {event.pop('event')}"
    event.pop("timestamp", None)
    trace = event.pop("exception", None)
    facts = ", ".join(f"{name}: {value}" for name, value in event.items())
    return said + (f" ({facts})" if facts else "") + (f"\n{trace}" if trace else "")
