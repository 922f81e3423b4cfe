"""Every command explains itself, and starts fast."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from processes import PATIENCE, Run

from sentiserve.cli.main import app
from sentiserve.settings import Settings

HEAVY = {"torch", "pandas", "duckdb", "onnxruntime", "transformers", "fastapi", "uvicorn", "numpy"}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example(cli: Run, path: tuple[str, ...]) -> None:
    ran = cli(*path, "--help")
    assert ran.status == 0
    _, _, examples = ran.out.partition("Examples:\n")
    assert f"sentiserve {' '.join(path)}" in examples


def test_the_help_of_every_command_begins_with_what_it_does() -> None:
    assert not [path for path, command in COMMANDS.items() if not command.help]


def test_every_flag_of_a_setting_is_the_settings_name_and_words(cli: Run) -> None:
    """A flag, its variable and its documentation are one thing."""
    documented = 0
    for path, command in COMMANDS.items():
        for parameter in command.params:
            help_ = getattr(parameter, "help", None) or ""
            if "[env: " not in help_:
                continue
            name = help_.partition("[env: SENTISERVE_")[2].rstrip("]").lower()
            assert help_.startswith(Settings.model_fields[name].description or "?"), path
            assert f"--{name.replace('_', '-')}" in parameter.opts, path
            documented += 1
    assert documented > 10
    assert "[env: SENTISERVE_STORE]" in cli("serve", "--help").out.replace("\n", " ")


def test_without_a_command_the_commands_are_listed(cli: Run) -> None:
    said = cli().out + cli("--help").out
    for path in COMMANDS:
        assert path[0] in said


@pytest.mark.parametrize("command", [("nonsense",), ("serve", "--nonsense"), ("model", "nonsense")])
def test_a_command_that_does_not_exist_is_a_usage_error(cli: Run, command: tuple[str, ...]) -> None:
    ran = cli(*command)
    assert ran.status == 2
    assert "nonsense" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "code",
    [
        "import sentiserve",
        "import sys; sys.argv = ['sentiserve', '--help']\n"
        "from sentiserve.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass",
    ],
    ids=["import", "help"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    code += "\nimport sys; print('imported:', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    imported = set(done.stdout.partition("imported:")[2].split())
    assert "sentiserve" in imported
    assert imported & HEAVY == set()
