"""The metrics, and their documentation."""

import re
from pathlib import Path

from sentiserve.metrics import Metrics

DOCUMENTATION = Path(__file__).parent.parent / "docs" / "operation.md"


def names() -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", Metrics().exposition().decode(), re.MULTILINE))


def test_every_metric_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"`(sentiserve_\w+)`", DOCUMENTATION.read_text()))
    assert documented == names()


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.recorded.inc()
    assert b"sentiserve_recorded_total 1.0" in one.exposition()
    assert b"sentiserve_recorded_total 0.0" in other.exposition()
