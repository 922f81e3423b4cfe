"""The image on arm64, wherever it is built."""

import subprocess
import sys
from pathlib import Path

import pytest
from containers import ROOT


@pytest.mark.parametrize("lock", ["core", "hub", "tools"])
def test_every_package_comes_built_for_arm64(lock: str, tmp_path: Path) -> None:
    """So that nothing needs a compiler; for amd64 the build of the image shows it."""
    platforms = [f"--platform=manylinux_2_{glibc}_aarch64" for glibc in (5, 12, 17, 26, 27, 28)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", *platforms]
    command += ["--python-version=3.13", "--only-binary=:all:", "--no-deps", "--require-hashes"]
    command += [f"--target={tmp_path}", f"--requirement={ROOT / 'deploy/lock'}/{lock}.txt"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
