"""The alert rules, by Prometheus' own tool; and what the documentation says of them."""

import re
import subprocess
from pathlib import Path

from prometheus import MONITORING, ROOT, alerts, binary

CASES = Path(__file__).parent / "alerts.yml"
DOCUMENTATION = (ROOT / "docs" / "operation.md").read_text()
ROW = re.compile(r"^\| `(Sentiserve\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [binary("promtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_and_the_configuration_are_valid(tmp_path: Path) -> None:
    """The configuration loads the rules, which lie beside it."""
    assert "SUCCESS" in promtool("check", "rules", MONITORING / "alerts.yml")
    (tmp_path / "key").write_text("key")
    (tmp_path / "alerts.yml").symlink_to(MONITORING / "alerts.yml")
    config = (MONITORING / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(config.replace("/etc/prometheus/key", "key"))
    assert "1 rule files found" in promtool("check", "config", tmp_path / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_not_otherwise() -> None:
    """The cases that ``alerts.yml`` beside this file plays through."""
    assert "SUCCESS" in promtool("test", "rules", CASES)


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    fired = re.findall(r'alertname="(Sentiserve\w+)"[^}]*}\'?, value', CASES.read_text())
    assert set(fired) == {rule["alert"] for rule in alerts()}


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    """The documentation has the same severity and the same advice, in the same order."""
    told = [
        (rule["alert"], rule["labels"]["severity"], rule["annotations"]["action"])
        for rule in alerts()
    ]
    documented = [(name, severity, do) for name, severity, _, do in ROW.findall(DOCUMENTATION)]
    assert documented == told
    assert {severity for _, severity, _ in told} == {"critical", "warning"}
    assert all(
        rule["annotations"].keys() == {"summary", "description", "action"} for rule in alerts()
    )
