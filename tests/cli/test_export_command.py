"""``sentiserve model export``, as people see it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoints import ARCHITECTURES
from processes import PATIENCE, Run, eventually, on_terminal

from sentiserve.models.bundle import open_bundle, record_temperature


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "checkpoint"
    directory.mkdir()
    return ARCHITECTURES["bert"](directory)


def test_a_terminal_is_told_what_is_done_now(checkpoint: Path) -> None:
    said = on_terminal("model", "export", str(checkpoint), "bundle", "--format", "torchscript")
    for stage in (b"reading the checkpoint", b"writing the bundle", b"comparing it"):
        assert stage in said


def test_a_replaced_bundle_is_named_and_so_is_its_temperature(cli: Run, checkpoint: Path) -> None:
    export = ("model", "export", checkpoint, "bundle", "--format", "torchscript")
    first = cli(*export)
    assert (first.status, first.err) == (0, "")
    assert "replaced" not in first.out
    assert "replaced" not in cli(*export).out
    old = record_temperature(open_bundle(Path("bundle")), 1.5)
    last = cli(*export).out.splitlines()[-1]
    assert last.startswith(f"replaced checkpoint (was {old.model_id}); its temperature 1.5 is gone")
    assert last.endswith("sentiserve model calibrate DATA --model bundle")


def test_sigterm_leaves_nothing_half_written(checkpoint: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentiserve.cli.main", "model", "export", str(checkpoint)]
    with subprocess.Popen([*command, "bundle"]) as process:
        eventually((tmp_path / ".bundle.new").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert set(tmp_path.glob("*bundle*")) | set(tmp_path.glob(".bundle*")) == set()


def test_a_card_that_is_not_there_is_named(cli: Run) -> None:
    ran = cli("model", "export", "checkpoint", "bundle", "--card", "nosuch")
    assert (ran.status, ran.err) == (1, "sentiserve: nosuch: no such file\n")
