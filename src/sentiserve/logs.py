"""Logs on standard error: JSON lines, or words; events and ids, never texts or secrets."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor


def configure_logs(level: str, *, for_people: bool = False) -> None:
    """Log from this level on, our own events and the libraries' warnings alike.

    Args:
        level: the lowest that is logged.
        for_people: in words, as the commands that people run do.
    """
    render: Processor = _in_words if for_people else structlog.processors.JSONRenderer(_json)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line at once: workers share it
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _json(event: EventDict, default: Callable[[Any], Any]) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()


def _in_words(_: object, __: str, event: EventDict) -> str:
    """``sentiserve: warning: what happened (key: value, …)``."""
    said = f"sentiserve: {event.pop('level')}: {event.pop('event')}"
    event.pop("timestamp", None)
    trace = event.pop("exception", None)
    facts = ", ".join(f"{name}: {value}" for name, value in event.items())
    return said + (f" ({facts})" if facts else "") + (f"\n{trace}" if trace else "")
