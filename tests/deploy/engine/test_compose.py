"""``make up``: the service, Redis and Prometheus from ``compose.yaml``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from containers import KEY, copy_of_the_project, docker, fresh, images, infer, make
from processes import PATIENCE, eventually
from prometheus import alerts, expressions
from redis_server import free_port


class Project:
    """A copy of the project that compose has brought up."""

    def __init__(self, folder: Path) -> None:
        """Choose ports that are free."""
        self.folder = folder
        self.image = fresh("up")
        self.port, self.prometheus = free_port(), free_port()
        self._given = {
            "COMPOSE_PROJECT_NAME": fresh("project"),
            "IMAGE": self.image,
            "SENTISERVE_SOURCES": "archive",  # no test asks a platform
            "PROMETHEUS_PORT": str(self.prometheus),
        }
        self._monkeypatch = pytest.MonkeyPatch()
        for name, value in self._given.items():
            self._monkeypatch.setenv(name, value)

    def configure(self, *lines: str) -> None:
        """Write ``.env``, which is all the configuration."""
        lines = (*lines, f"SENTISERVE_PORT={self.port}")
        (self.folder / ".env").write_text("\n".join(lines) + "\n")

    def compose(self, *arguments: str) -> str:
        """Run compose."""
        return docker("compose", "--project-directory", str(self.folder), *arguments)

    def client(self, key: str = KEY) -> httpx.Client:
        """Somebody with a key."""
        headers = {"Authorization": f"Bearer {key}"}
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, headers=headers, timeout=PATIENCE, trust_env=False)

    def close(self) -> None:
        """Remove everything."""
        try:
            with images(self.image):
                self.compose("--profile", "monitoring", "down", "--volumes", "--timeout", "30")
        finally:
            self._monkeypatch.undo()


@pytest.fixture
def project(image: str) -> Iterator[Project]:  # built once, so that it is in the cache
    with copy_of_the_project() as folder:
        project = Project(folder)
        try:
            yield project
        finally:
            project.close()


def test_make_up_brings_it_up_healthy(project: Project, sample: list[dict[str, str]]) -> None:
    """In one command; what was predicted survives ``make down``."""
    project.configure(f"SENTISERVE_API_KEYS={KEY}", "SENTISERVE_RETURN_TEXT=own")
    make("up", folder=project.folder)
    with project.client() as client:
        answer = infer(client, sample[0]["url"])
        assert not answer["cached"]
        assert answer["textInput"] is None, "the .env was not read"
        dependencies = client.get("/health/ready").json()["dependencies"]
        assert dependencies["store"] == "ok"
    assert "ss1:" in project.compose("exec", "redis", "redis-cli", "--raw", "keys", "*")
    make("down", folder=project.folder)
    make("up", folder=project.folder)
    with project.client() as client:
        assert infer(client, sample[0]["url"])["cached"]


def test_without_env_a_key_is_made(project: Project) -> None:
    """Nobody else can read the file, and the key opens the service."""
    make(".env", folder=project.folder)
    made = project.folder / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    name, key = made.read_text().strip().split("=", 1)
    assert name == "SENTISERVE_API_KEYS"
    assert len(key) == 32
    project.configure(f"{name}={key}")
    make("up", folder=project.folder)
    with project.client(key) as client, project.client("another") as stranger:
        assert client.get("/v1/model").is_success
        assert stranger.get("/v1/model").status_code == 401


def test_prometheus_finds_the_service_and_the_dashboard_asks_what_it_knows(
    project: Project, sample: list[dict[str, str]]
) -> None:
    """With our rules; each question of the dashboard is understood, most have an answer."""
    project.configure(f"SENTISERVE_API_KEYS={KEY}")
    config = project.folder / "deploy" / "monitoring" / "prometheus.yml"
    config.write_text(config.read_text().replace("scrape_interval: 15s", "scrape_interval: 1s"))
    make("up", folder=project.folder)
    project.compose("up", "--detach", "prometheus")
    with project.client() as client:
        infer(client, sample[0]["url"])

        def query(expression: str) -> Any:
            url = f"http://127.0.0.1:{project.prometheus}/api/v1/query"
            answer = httpx.get(url, params={"query": expression}, trust_env=False).json()
            assert answer["status"] == "success", answer
            return answer["data"]["result"]

        def is_scraped() -> bool:
            infer(client, sample[0]["url"])
            try:
                return bool(query("rate(sentiserve_inference_seconds_count[30s])"))
            except httpx.TransportError:
                return False

        eventually(is_scraped, PATIENCE)
        empty = {title for title, expression in expressions() if not query(expression)}
        url = f"http://127.0.0.1:{project.prometheus}/api/v1/rules"
        groups = httpx.get(url, trust_env=False).json()["data"]["groups"]
    assert empty <= {"Failures by operation", "Posts not given", "Drifted features", "How far"}
    assert {rule["name"] for group in groups for rule in group["rules"]} >= {
        rule["alert"] for rule in alerts()
    }


@pytest.mark.parametrize("profile", ["", "monitoring"])
def test_the_file_is_valid(project: Project, profile: str) -> None:
    """With and without monitoring; the service is locked down, and published on loopback alone."""
    project.configure(f"SENTISERVE_API_KEYS={KEY}")
    config = json.loads(project.compose("--profile", profile, "config", "--format", "json"))
    service = config["services"]["sentiserve"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert [port["host_ip"] for port in service["ports"]] == ["127.0.0.1"]
    assert ("grafana" in config["services"]) == (profile == "monitoring")


def test_prometheus_has_a_key_to_show_where_none_is_needed(project: Project) -> None:
    """Without one compose would make no file, and Prometheus, which reads it, would ask nobody."""
    project.configure("SENTISERVE_INSECURE_NO_AUTH=true")
    config = json.loads(project.compose("--profile=monitoring", "config", "--format", "json"))
    assert config["configs"]["key"]["content"]
