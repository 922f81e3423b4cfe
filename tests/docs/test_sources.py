"""The commands of docs/sources.md that need no network, run in their order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from processes import PATIENCE, Run, environment

from sentiserve.cli.main import app
from sentiserve.sources.registry import SOURCES
from sentiserve.tables import sample_archive

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()


def commands(kind: str) -> list[list[str]]:
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"sentiserve (.+)$", "".join(blocks), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_command_does_what_the_page_says(
    cli: Run, tmp_path: Path, sample: list[dict[str, str]]
) -> None:
    (tmp_path / "posts.jsonl").write_bytes(sample_archive().read_bytes())
    for command in commands("console"):
        arguments, stdin = command, ""
        if "<" in command:
            arguments, stdin = command[: command.index("<")], f"{sample[0]['url']}\n"
        ran = cli(*arguments, stdin=stdin)
        assert ran.status == 0, (command, ran.err)


@pytest.mark.parametrize("command", commands("sh"), ids=" ".join)
def test_commands_that_need_a_platform_are_written_right(command: list[str]) -> None:
    """Their arguments and flags are known; nothing is run."""
    found: Any = typer.main.get_command(app)
    rest = list(command)
    while hasattr(found, "commands"):
        found = found.commands[rest.pop(0)]
    found.make_context("sentiserve", rest)


def test_the_table_names_every_source() -> None:
    table = PAGE.partition("## The chain")[2].partition("Unless you set it")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(SOURCES)


def test_the_example_of_a_server_for_tests_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert ran.stdout == "Tea & cake, what a day! 3\n"
