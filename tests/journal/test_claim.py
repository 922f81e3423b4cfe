"""Of those who want a directory one gets it, until it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sentiserve.journal.claim import Claim

CLAIMING = """
import sys, time
from pathlib import Path
from sentiserve.journal.claim import Claim
claim = Claim.of(Path(sys.argv[1]))
print("mine" if claim else "another's", flush=True)
sys.stdin.read()
"""


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_processes_that_start_at_once_one_adopts(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    processes = [start(left) for _ in range(4)]
    try:
        assert sorted(map(said, processes)) == ["another's"] * 3 + ["mine"]
    finally:
        for process in processes:
            process.communicate("")


def test_a_killed_process_gives_its_directory_up(tmp_path: Path) -> None:
    claim = tmp_path / "claim"
    claim.mkdir()
    (claim / "segment").touch()
    with start(claim) as process:
        assert said(process) == "mine"
        assert Claim.of(claim) is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    mine = Claim.of(claim)
    assert mine is not None
    mine.release()


def test_an_empty_directory_goes_with_its_claim(tmp_path: Path) -> None:
    claim = Claim.fresh(tmp_path)
    assert claim.path.exists()
    claim.release()
    assert not claim.path.exists()
    assert Claim.of(claim.path) is None


def test_a_fresh_directory_that_is_taken_away_at_once_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks for the dead at that moment sees an empty one without a lock."""
    taken: list[Path] = []

    def of(path: Path) -> Claim | None:
        if not taken:
            taken.append(path)
            path.rmdir()
        return original(path)

    original = Claim.of
    monkeypatch.setattr(Claim, "of", of)
    claim = Claim.fresh(tmp_path)
    assert claim.path != taken[0]
    claim.release()


def test_what_is_no_directory_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "old.ndjson.damaged"
    file.touch()
    assert Claim.of(file) is None
