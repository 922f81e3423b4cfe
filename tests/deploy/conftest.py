"""Tests of containers run wherever there is an engine, and in CI always."""

import os

from containers import has_engine

NEEDS_ENGINE = os.environ.get("CI") or has_engine()  # CI is to fail without one, not to pass
collect_ignore = [] if NEEDS_ENGINE else ["engine"]


def pytest_report_header() -> str:
    """Say what is left out."""
    return "" if NEEDS_ENGINE else "no Docker engine here: tests/deploy/engine is left out"
