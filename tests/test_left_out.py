"""What the tests say of themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE

ALONE = "-p no:xdist"
SIDE_BY_SIDE = "--numprocesses 1"
WAYS = [
    "import pytest\n\ndef test() -> None:\n    pytest.skip('not here')\n",
    "import pytest\n\n@pytest.mark.skip(reason='never')\ndef test() -> None: ...\n",
    "import pytest\n\n@pytest.mark.xfail\ndef test() -> None:\n    assert False\n",
    "import pytest\n\npytest.importorskip('no_such_module')\n",
]


def run(directory: Path, how: str, ci: str) -> tuple[int, str]:
    """Run the tests there; the exit status, and what was said in the end."""
    flags = ["-p", "left_out", "--continue-on-collection-errors", *how.split()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *flags],
        cwd=directory,
        env=os.environ | {"CI": ci, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("how", "ci", "status", "told"),
    [
        (ALONE, "true", 1, "2 failed, 2 errors"),
        (SIDE_BY_SIDE, "true", 1, "2 failed, 2 errors"),
        (ALONE, "", 0, "3 skipped, 1 xfailed"),
    ],
)
def test_what_is_left_out_has_failed_in_ci(
    tmp_path: Path, how: str, ci: str, status: int, told: str
) -> None:
    """However it is left out, and in whichever process; elsewhere it is told, and no more."""
    for number, text in enumerate(WAYS):
        (tmp_path / f"test_{number}.py").write_text(text)
    ended, said = run(tmp_path, how, ci)
    assert ended == status
    assert told in said
