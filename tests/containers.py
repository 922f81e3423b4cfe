"""Images and containers of a real Docker engine; whatever a test makes goes away with it."""

import json
import os
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import httpx
from processes import PATIENCE, eventually

ROOT = Path(__file__).parents[1]
KEY = "the-key-of-the-tests"
HARDENED = ["--read-only", "--user", "10001", "--cap-drop", "ALL"]
HARDENED += ["--security-opt", "no-new-privileges"]


def has_engine() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def docker(*arguments: str) -> str:
    """Run a command of Docker's; what it printed."""
    ran = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def make(
    *arguments: str, folder: Path = ROOT, variables: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Run make; what it and Docker printed."""
    on_loopback = {"BUILD_NETWORK": "host"}  # bundles are pulled from there
    ran = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**os.environ, **on_loopback, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def fresh(kind: str) -> str:
    """A name that nobody else has."""
    return f"sentiserve-test-{kind}-{secrets.token_hex(4)}"


def inspect(image: str) -> Any:
    """What the engine knows of an image."""
    return json.loads(docker("image", "inspect", image))[0]


def layers(image: str) -> list[str]:
    """The digests of an image's layers."""
    digests: list[str] = inspect(image)["RootFS"]["Layers"]
    return digests


@contextmanager
def saved(image: str) -> Iterator[Path]:
    """A directory with all that an image consists of: manifests, configuration, layers."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "image.tar"
        docker("save", "--output", str(file), image)
        with tarfile.open(file) as tar:
            tar.extractall(directory, filter="data")
        file.unlink()
        yield Path(directory)


@contextmanager
def images(*names: str) -> Iterator[None]:
    """Remove images in the end, those that were made."""
    try:
        yield
    finally:
        made = [name for name in names if docker("image", "ls", "--quiet", name)]
        if made:
            docker("image", "rm", "--force", *made)


@contextmanager
def copy_of_the_project() -> Iterator[Path]:
    """The files that an image is made of, to be changed; where the engine sees them, too."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("ENGINE_TMP")) as directory:
        for name in ("Makefile", "compose.yaml", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, directory)
        shutil.copy(ROOT / ".dockerignore", directory)
        for name in ("deploy", "src"):
            built = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, Path(directory) / name, ignore=built)
        yield Path(directory)


@contextmanager
def network() -> Iterator[str]:
    """A network of its own."""
    name = fresh("network")
    docker("network", "create", name)
    try:
        yield name
    finally:
        docker("network", "rm", name)


@contextmanager
def volume() -> Iterator[str]:
    """A volume of its own."""
    name = fresh("volume")
    docker("volume", "create", name)
    try:
        yield name
    finally:
        docker("volume", "rm", name)


class Container:
    """A running container, which is removed in the end with its anonymous volumes."""

    def __init__(self, image: str, *flags: str, command: tuple[str, ...] = ()) -> None:
        """Say how ``docker run`` is to start it."""
        self.name = fresh("container")
        self._run = ("run", "--detach", "--name", self.name, *flags, image, *command)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it."""
        self._stack.callback(docker, "rm", "--force", "--volumes", self.name)
        try:
            docker(*self._run)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self._stack.close()

    @property
    def state(self) -> dict[str, Any]:
        """What the engine says of it."""
        state: dict[str, Any] = json.loads(docker("inspect", self.name))[0]["State"]
        return state

    def logs(self) -> list[dict[str, Any]]:
        """The events that it logged."""
        ran = subprocess.run(["docker", "logs", self.name], stderr=subprocess.PIPE, check=True)
        return [json.loads(line) for line in ran.stderr.splitlines()]

    def execute(self, *command: str) -> str:
        """Run a command inside."""
        return docker("exec", self.name, *command)


class ServiceContainer(Container):
    """A container of the service, healthy once it is entered."""

    def __init__(self, image: str, *flags: str, **env: str) -> None:
        """Say how to start it; variables are named without ``SENTISERVE_``."""
        given = {"API_KEYS": KEY, "SOURCES": "archive"} | env  # no test asks a platform
        settings = [f"--env=SENTISERVE_{name}={value}" for name, value in given.items()]
        published = () if "--network=host" in flags else ("--publish", "127.0.0.1:0:8000")
        super().__init__(image, *HARDENED, *published, *settings, *flags)

    def __enter__(self) -> Self:
        """Start it, and wait until its own health check says that it may be asked."""
        super().__enter__()
        try:
            eventually(self._is_healthy, PATIENCE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def client(self) -> httpx.Client:
        """Somebody who has the key."""
        address = docker("port", self.name, "8000").splitlines()[0]
        headers = {"Authorization": f"Bearer {KEY}"}
        return httpx.Client(
            base_url=f"http://{address}", headers=headers, timeout=PATIENCE, trust_env=False
        )

    def _is_healthy(self) -> bool:
        state = self.state
        assert state["Running"], docker("logs", self.name)
        healthy: bool = state["Health"]["Status"] == "healthy"
        return healthy


def infer(client: httpx.Client, url: str) -> Any:
    """Ask for a post by its URL."""
    answer = client.get("/v1/inference", params={"tweetUrl": url})
    assert answer.status_code == 200, answer.text
    return answer.json()
