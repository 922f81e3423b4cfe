"""Output that can't be written: to a full disk, or to a reader that has seen enough."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE

COMMANDS = [
    ["--version"],
    ["model", "info"],
    ["model", "info", "--json"],
    ["predict", "fine"],
    ["predict", "fine", "--json"],
    ["model", "evaluate", "dev.tsv", "--json"],
]
COMMAND = (sys.executable, "-m", "sentiserve.cli.main")


@pytest.fixture(autouse=True)
def _labelled(tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_text("text\tlabel\nFine.\tpositive\n")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    said = "sentiserve: the output cannot be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, said)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_ends_every_command_alike(arguments: list[str]) -> None:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(PATIENCE)) == ("", 1)
