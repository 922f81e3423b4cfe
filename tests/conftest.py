"""What tests share: isolation, real services, bundles, the command line."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
import structlog
from hub import Hub
from hypothesis import HealthCheck, settings
from line import Line
from network import walled_in
from places import S3, HubPlace, Place, S3Place, bundle_files, moto
from processes import (
    PATIENCE,
    Ran,
    Run,
    Service,
    StartService,
    environment,
    variables,
)

from sentiserve.models.bundle import MANIFEST, default_bundle

pytest_plugins = ["left_out"]
# No example is too slow on a busy machine; and in CI nothing depends on chance.
settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("ours")
P = TypeVar("P", bound=Place)
LIVE_TOKENS = ("SENTISERVE_X_BEARER_TOKEN",)


def pytest_configure() -> None:
    """Forget the developer's terminal, before a console is made, and share the cores.

    Tests run side by side: more threads for each would only get into one another's way.
    """
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        os.environ.pop(name, None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    *usual, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure([*usual, plain])  # tracebacks in colours take seconds each


def is_live(request: pytest.FixtureRequest) -> bool:
    """Whether the test asks a platform itself."""
    return request.node.get_closest_marker("live") is not None


@pytest.fixture(autouse=True)
def _isolated(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No test sees the developer's settings, ``.env``, caches or store; live ones see tokens."""
    kept = LIVE_TOKENS if is_live(request) else ()
    for name in [name for name in os.environ if name.startswith("SENTISERVE_")]:
        if name not in kept:
            monkeypatch.delenv(name)
    for name in [name for name in os.environ if name.startswith(("AWS_", "HF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SENTISERVE_SOURCES", "archive")  # no test asks a platform
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that connects to anything but this machine fails, whatever became of it."""
    if is_live(request):
        yield
        return
    with walled_in() as tried:
        yield
    assert not tried


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Start real services; all of them are stopped in the end."""
    with ExitStack() as stack:
        yield lambda *flags, **env: stack.enter_context(Service(tmp_path, *flags, **env))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that leave it as it is, with the bundled model and sample."""
    with Service(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture(scope="session")
def sample() -> list[dict[str, str]]:
    """The rows of the bundled sample archive."""
    lines = (resources.files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the bundled model that a test may spoil; the weights are a link."""
    directory = tmp_path / "bundle"
    directory.mkdir()
    for file in default_bundle().iterdir():
        if file.suffix == ".onnx":
            (directory / file.name).symlink_to(file)
        else:
            (directory / file.name).write_bytes(file.read_bytes())
    return directory


@pytest.fixture
def other_bundle(bundle: Path) -> Path:
    """The bundled model with another limit of tokens, and therefore another model id."""
    manifest = msgspec.json.decode((bundle / MANIFEST).read_bytes())
    manifest["max_tokens"] -= 1
    (bundle / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return bundle


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as started:
        yield started


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3]:
    with moto() as started:
        yield started


@pytest.fixture
def s3(moto_server: S3) -> Iterator[S3]:
    yield moto_server
    moto_server.reset()


@pytest.fixture
def hub_place(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubPlace]:
    """A repository that holds a bundle; this process and its children know the way."""
    # huggingface_hub looks at HF_HOME only once, when it is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    with Line(hub.port) as line:
        yield _filled(HubPlace(hub, line), monkeypatch)


@pytest.fixture
def s3_place(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Place]:
    """The same in a bucket."""
    with Line(s3.port) as line:
        yield _filled(S3Place(s3, line), monkeypatch)


@pytest.fixture(params=["hub_place", "s3_place"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each test sees both."""
    found: Place = request.getfixturevalue(request.param)
    return found


def _filled(place: P, monkeypatch: pytest.MonkeyPatch) -> P:
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    place.publish(bundle_files())
    return place


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command line inside this process."""
    from sentiserve.cli.main import main

    handlers, level = logging.root.handlers[:], logging.root.level
    events = structlog.get_config()
    on_sigterm = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str | Path, stdin: str = "", **env: str) -> Ran:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["sentiserve", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.setenv("SENTISERVE_THREADS", "1")  # other tests run beside this one
            for name, value in variables(env).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    yield run
    signal.signal(signal.SIGTERM, on_sigterm)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**events)


@pytest.fixture
def run_process(tmp_path: Path) -> Run:
    """Run the command line in a process of its own."""

    def run(*arguments: str | Path, stdin: str = "", **env: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "sentiserve.cli.main", *arguments],
            cwd=tmp_path,
            env=environment(tmp_path, variables(env)),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
