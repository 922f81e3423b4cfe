"""``make deploy``: by the CDK's own command line, into an emulated account."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from aws.emulator import Emulator, emulator

from sentiserve.models.bundle import default_bundle

pytestmark = pytest.mark.xdist_group("aws")
ROOT = Path(__file__).parents[2]
# Neither an image for another processor nor a registry can be had here; what they are told can.
_RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
[ "$1" != login ] || cat > /dev/null
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs in the places of make and docker that note how they are called; the note."""
    log = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    for name in ("make", "docker"):
        program = tmp_path / "bin" / name
        program.write_text(_RECORDER.format(log=log))
        program.chmod(0o755)
    return log


def run(
    account: Emulator, tools: Path, module: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of ours as make does."""
    path = f"{tools.parent / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", f"deploy.aws.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | account.variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_checkout_becomes_a_url(tools: Path) -> None:
    """Base stack, image, model and service stack, in this order; the last words are the URL."""
    bundle = default_bundle()
    with emulator() as account:
        done = run(
            account,
            tools,
            "up",
            "demo",
            "--model",
            str(bundle),
            "--tag",
            "0123abc",
            "--allow",
            "203.0.113.0/24",
            "--flags=--require-approval=never",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        cloud = account.client("cloudformation")
        stacks = {one["StackName"]: one for one in cloud.describe_stacks()["Stacks"]}
        assert {one["StackStatus"] for one in stacks.values()} == {"CREATE_COMPLETE"}
        print(done.stdout, done.stderr, tools.read_text())
        done = run(account, tools, "down", "demo", "--yes")
        print(done.stdout, done.stderr, tools.read_text())
        assert 0
