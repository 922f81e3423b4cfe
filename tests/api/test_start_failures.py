"""A service that can't start says so in one line, and what to do."""

import socket
from pathlib import Path

import pytest
from processes import Run
from redis_server import RedisServer, password

from sentiserve.models.bundle import default_bundle


def refuse(run: Run, *flags: str | Path, says: list[str], **env: str) -> None:
    """It ends with 1, and one line that holds all of these words."""
    ran = run("serve", *flags, **env)
    assert ran.status == 1
    # What is logged before is JSON, the last line is for people.
    *logged, line = ran.err.splitlines()
    assert line.startswith("sentiserve: ")
    assert all(entry.startswith("{") for entry in logged)
    assert "Traceback" not in ran.err
    assert [word for word in says if word not in line] == [], line
    assert "listening" not in ran.err
    assert ran.out == ""


@pytest.fixture(autouse=True)
def _never_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts in this process after all fails, instead of serving for ever."""

    def serve(*_: object, **__: object) -> None:
        pytest.fail("the service started")

    monkeypatch.setattr("uvicorn.Server.serve", serve)


def test_a_weights_file_with_another_bit_is_refused(run_process: Run, bundle: Path) -> None:
    weights = bytearray((default_bundle() / "model.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (bundle / "model.onnx").unlink()
    (bundle / "model.onnx").write_bytes(weights)
    says = ["model.onnx", "SHA-256", "again"]
    refuse(run_process, "--port", "0", "--model", bundle, says=says)


@pytest.mark.parametrize("file", ["tokenizer.json", "model.onnx", "bundle.json"])
def test_a_bundle_that_lacks_a_file_is_refused(cli: Run, bundle: Path, file: str) -> None:
    (bundle / file).unlink()
    refuse(cli, "--port", "0", "--model", bundle, says=[file, str(bundle)])


def test_a_manifest_that_ends_early_is_refused(cli: Run, bundle: Path) -> None:
    manifest = (bundle / "bundle.json").read_bytes()
    (bundle / "bundle.json").write_bytes(manifest[:100])
    refuse(cli, "--port", "0", "--model", bundle, says=["bundle.json"])


def test_a_file_that_is_no_store_is_refused_and_left_alone(
    run_process: Run, tmp_path: Path
) -> None:
    file = tmp_path / "store.db"
    content = b"these are somebody's notes, not a database\n" * 100
    file.write_bytes(content)
    refuse(run_process, "--port", "0", "--store", f"sqlite:///{file}", says=[str(file)])
    assert file.read_bytes() == content


def test_a_store_below_a_regular_file_is_refused(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = f"sqlite:///{tmp_path / 'file' / 'deeper' / 'store.db'}"
    refuse(cli, "--port", "0", "--store", store, says=["store.db", "SENTISERVE_STORE"])


def test_a_redis_that_refuses_the_login_is_refused(cli: Run) -> None:
    with RedisServer("--requirepass", password()) as redis:
        says = [str(redis.port), "refuses the login", "redis://USER:PASSWORD@HOST"]
        refuse(cli, "--port", "0", "--store", redis.url, says=says)


def test_a_port_that_is_taken_is_refused(run_process: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refuse(run_process, "--port", port, says=[port, "in use", "--port"])


def test_an_archive_that_is_not_there_is_refused(cli: Run) -> None:
    says = ["nowhere.jsonl", "no such file"]
    refuse(cli, "--port", "0", "--archive", "nowhere.jsonl", says=says)


@pytest.mark.parametrize(
    ("flags", "env", "says"),
    [
        (["--sources", "gopher"], {}, ["gopher", "archive"]),
        (["--store", "carrier-pigeon://x"], {}, ["carrier-pigeon", "sqlite", "memory"]),
        (["--store", "store.db"], {}, ["sqlite:///PATH"]),
        (["--store", "sqlite://"], {}, ["sqlite:///PATH"]),
        ([], {"ttl": "sixty days"}, ["SENTISERVE_TTL"]),
        ([], {"max_queue": "0"}, ["SENTISERVE_MAX_QUEUE"]),
        ([], {"source_timeout": "nan"}, ["SENTISERVE_SOURCE_TIMEOUT"]),
        ([], {"log_level": "loud"}, ["SENTISERVE_LOG_LEVEL"]),
        ([], {"port": "65536"}, ["SENTISERVE_PORT"]),
        (["--host", "no.such.host.invalid", "--insecure-no-auth"], {}, ["no.such.host.invalid"]),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    cli: Run, flags: list[str], env: dict[str, str], says: list[str]
) -> None:
    port = [] if "port" in env else ["--port", "0"]
    refuse(cli, *port, *flags, says=says, **env)
