"""Threads fit what the container may use, not what the host has."""

import os
from pathlib import Path

import pytest

from sentiserve.cores import available_cores


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 8),
        ("25000 100000", 1),
        ("100000 100000", 1),
        ("250000 100000", 2),
        ("9900000 100000", 8),
        ("nonsense", 8),
    ],
)
def test_a_containers_quota_counts(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert available_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("25000", 1), ("300000", 3)])
def test_so_does_that_of_an_older_kernel(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cores(tmp_path) == cores


def test_without_a_container_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cores(tmp_path) == 8
