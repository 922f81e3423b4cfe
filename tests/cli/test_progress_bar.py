"""``sentiserve score`` shows its progress to people, and to nobody else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from processes import Run


def write(path: Path) -> None:
    path.write_text("text\n" + "".join(f"Text {i}.\n" for i in range(30)))


def test_a_terminal_gets_a_progress_bar(tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "sentiserve.cli.main", "score", "in.csv", "out.csv"]
    with subprocess.Popen(
        command, stderr=end, stdout=subprocess.DEVNULL, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(end)
        said = b""
        try:
            while chunk := os.read(terminal, 4096):
                said += chunk
        except OSError:  # the other end is closed: all was said
            pass
        finally:
            os.close(terminal)
        assert process.wait(60) == 0
    assert b"scoring" in said
    assert b"30/30" in said
    assert b"30 rows in out.csv" in said


def test_a_pipe_gets_no_progress_bar(cli: Run, tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    ran = cli("score", "in.csv", "out.csv")
    assert (ran.status, ran.out, ran.err) == (0, "", "30 rows in out.csv\n")
