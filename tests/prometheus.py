"""The real Prometheus on loopback, stopped by its handle; and what the dashboard asks it."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import yaml
from processes import PATIENCE, eventually
from redis_server import free_port

ROOT = Path(__file__).parents[1]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = MONITORING / "dashboards" / "sentiserve.json"
_BROUGHT = ROOT / ".venv" / "prometheus" / "usr" / "bin"  # by make


def binary(name: str) -> str:
    """The program ``prometheus`` or ``promtool``."""
    found = shutil.which(name) or shutil.which(name, path=_BROUGHT)
    if found is None:
        pytest.fail(f"no {name} is installed: run `make .venv/prometheus`, or install Prometheus")
    return found


def rules() -> list[dict[str, Any]]:
    """Every rule, those that only record included."""
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Every rule that alerts."""
    return [rule for rule in rules() if "alert" in rule]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, without the titles of rows."""
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """All that the dashboard's panels ask, by their titles, of everything in the last minute."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"])


def filled(expression: str) -> str:
    """The expression as Grafana would send it."""
    values = {"$__rate_interval": "1m", "$job": "sentiserve", "$instance": ".*", "$route": ".*"}
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    return expression


def metrics_in(expression: str) -> set[str]:
    """The names of series that an expression asks for."""
    return set(re.findall(r"\b(?:sentiserve|process)_\w+", re.sub(r'"[^"]*"', "", expression)))


class Prometheus:
    """Our configuration, but for where the service is, which key it wants, and how often."""

    def __init__(self, directory: Path, target: str, key: str) -> None:
        """Write the configuration into the directory."""
        config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (scraped,) = config["scrape_configs"]
        del scraped["dns_sd_configs"]
        scraped["static_configs"] = [{"targets": [target]}]
        scraped["authorization"]["credentials_file"] = "key"
        (directory / "key").write_text(key)
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(MONITORING / "alerts.yml", directory)
        self._directory = directory
        self._url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        """Start it, and wait until it is ready."""
        self._log = (self._directory / "log").open("w")
        self._process = subprocess.Popen(
            [
                binary("prometheus"),
                f"--config.file={self._directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._directory / 'data'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            eventually(self._is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API says; it must be no error."""
        url = f"{self._url}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, timeout=PATIENCE, trust_env=False).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        found: list[Any] = self.ask("query", query=expression, time=str(time.time()))["result"]
        return found

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            pytest.fail(f"Prometheus ended: {(self._directory / 'log').read_text()}")
        try:
            return httpx.get(f"{self._url}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False
