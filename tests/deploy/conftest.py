"""Tests of containers run wherever there is an engine, and in CI always."""

import os

import pytest
from containers import has_engine

NEEDS_ENGINE = os.environ.get("CI") or has_engine()  # CI is to fail without one, not to pass
collect_ignore = [] if NEEDS_ENGINE else ["engine"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    if not NEEDS_ENGINE:
        terminalreporter.write_line("no Docker engine here: tests/deploy/engine was left out")
