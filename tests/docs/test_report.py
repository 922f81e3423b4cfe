"""The commands and the program of docs/report.md, run in their order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, Run, environment

from sentiserve.tables import sample_archive

PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_command_does_what_the_page_says(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the sample, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    posts = tmp_path / "posts.jsonl"
    posts.write_bytes(sample_archive().read_bytes())
    env = {"store": f"sqlite:///{tmp_path}/posts.db", "history": "off"}
    assert cli("ingest", "file", posts, **env).status == 0
    for command in re.findall(r"^\$ sentiserve (.+)$", "".join(blocks("console")), re.MULTILINE):
        ran = cli(*shlex.split(command.partition(">")[0]), **env)
        assert ran.status == 0, (command, ran.err)
    assert {path.name for path in tmp_path.glob("*.html")} == {
        "sentiserve-report.html",
        "week.html",
    }


def test_the_program_draws_a_figure(tmp_path: Path) -> None:
    """As it stands on the page."""
    [program] = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Sentiment of the most used hashtags" in ran.stdout
    assert "#day" in ran.stdout
    assert (tmp_path / "days.svg").read_text().startswith("<svg")
