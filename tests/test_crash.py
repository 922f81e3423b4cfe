"""Each durability keeps its promise to those who were answered when the process is killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import recording

from sentiserve.testing.scenarios import MODEL
from sentiserve.types import AggregateQuery, Entity

HERE = Path(__file__).parent
KILLS = 4
LONGEST_LIFE = 0.3  # seconds


def killed(
    directory: Path, durability: str, first: int, seconds: float, *further: str
) -> list[int]:
    """What a process acknowledged before it was killed."""
    arguments = [str(HERE / "recording.py"), str(directory), durability, str(first), *further]
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()  # it runs
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        said = line + process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return [int(number) for number in said.split(b"\n")[:-1]]


def in_store(directory: Path) -> list[int]:
    with closing(sqlite3.connect(directory / "store.db")) as store:
        return [int(number) for (number,) in store.execute("SELECT id FROM predictions")]


@pytest.mark.parametrize("durability", ["os", "fsync"])
async def test_what_was_acknowledged_is_kept_and_counts_once(
    tmp_path: Path, durability: str
) -> None:
    chance = random.Random(durability)
    acknowledged: list[int] = []
    for kill in range(KILLS):
        life = chance.uniform(0, LONGEST_LIFE)
        acknowledged += killed(tmp_path, durability, kill * 1_000_000, life)
    store, archive, recorder = recording.parts(tmp_path, durability)
    await store.open()
    await recorder.open()
    await recorder.close(60)
    query = AggregateQuery(Entity.AUTHOR, MODEL, name="7")
    (counted,) = await store.aggregate(query)
    await store.close()
    kept = in_store(tmp_path)
    assert len(acknowledged) > KILLS
    assert set(acknowledged) <= set(kept)
    assert counted.posts == len(kept)
    assert sorted(map(int, archive.ids())) == sorted(kept)
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.parametrize(("durability", "lost"), [("none", True), ("os", False)])
async def test_what_waits_for_the_store_is_lost_without_a_journal_only(
    tmp_path: Path, durability: str, *, lost: bool
) -> None:
    acknowledged = killed(tmp_path, durability, 0, 0.1, "away")
    assert acknowledged
    assert in_store(tmp_path) == []
    store, _, recorder = recording.parts(tmp_path, durability)
    await store.open()
    await recorder.open()
    await recorder.close(60)
    await store.close()
    assert set(in_store(tmp_path)).isdisjoint(acknowledged) == lost
    assert (set(acknowledged) <= set(in_store(tmp_path))) != lost


def test_a_real_service_that_is_killed_loses_no_answer() -> None:
    script = HERE.parent / "benchmarks" / "crash.py"
    arguments = ["--kills", "2", "--seed", "7"]
    ran = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "2 kills" in ran.stdout
