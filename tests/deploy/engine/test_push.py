"""The stages in a registry: pushed by themselves, and a cache for machines that have none."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from containers import Container, copy_of_the_project, fresh, images, make
from processes import PATIENCE, eventually
from redis_server import free_port

MANIFEST = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on loopback: Debian's, if it is installed, or its official image."""
    port = free_port()
    if program := shutil.which("docker-registry"):
        config = tmp_path / "registry.yml"
        config.write_text(
            f"{{version: 0.1, storage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}, "
            f"http: {{addr: '127.0.0.1:{port}'}}}}"
        )
        with subprocess.Popen(
            [program, "serve", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            yield listening(port)
            process.send_signal(signal.SIGTERM)
    else:
        with Container("registry:2", "--publish", f"127.0.0.1:{port}:5000"):
            yield listening(port)


def listening(port: int) -> str:
    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/v2/", trust_env=False).is_success
        except httpx.TransportError:
            return False

    eventually(answers, PATIENCE)
    return f"127.0.0.1:{port}"


def get(registry: str, path: str) -> Any:
    url = f"http://{registry}/v2/team/{path}"
    return httpx.get(url, headers=MANIFEST, trust_env=False).raise_for_status().json()


def digests(registry: str, name: str, tag: str) -> list[str]:
    """The layers of a pushed image."""
    return [layer["digest"] for layer in get(registry, f"{name}/manifests/{tag}")["layers"]]


def test_stages_are_pushed_each_by_itself_and_with_its_cache(image: str, registry: str) -> None:
    """A stage's layer is the image's own; with other code, only the code's layer is another."""
    name = fresh("pushed")
    stages = [f"{name}{suffix}" for suffix in ("", "-model", "-deps")]
    tags = [f"{registry}/team/{stage}:{tag}" for stage in stages for tag in ("1", "2", "cache")]
    given = (f"IMAGE={name}", f"REGISTRY={registry}/team")
    with images(*tags), copy_of_the_project() as project:
        make("image-push", "TAG=1", *given, folder=project)
        first = digests(registry, name, "1")
        for stage in stages[1:]:
            [layer] = digests(registry, stage, "1")
            assert layer in first
        config = get(registry, f"{name}/manifests/cache")["config"]["digest"]
        assert get(registry, f"{name}/blobs/{config}")["moby.buildkit.cache.v0"]

        module = project / "src" / "sentiserve" / "texts.py"
        module.write_text(f"{module.read_text()}# {fresh('change')}\n")
        log = make("image-push", "TAG=2", *given, folder=project)
        assert f"importing cache manifest from {registry}/team/{name}:cache" in log
        assert len(set(digests(registry, name, "2")) - set(first)) == 1


def test_pushing_nowhere_is_refused() -> None:
    """It needs to be told where to."""
    with pytest.raises(AssertionError, match="say where to"):
        make("image-push")
