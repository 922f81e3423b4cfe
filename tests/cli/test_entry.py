"""The command's beginning."""

import signal
import subprocess
import sys

import pytest
from processes import PATIENCE

# Presses Ctrl-C at the moment in which the named module is looked for.
PRESSING = """
import os, signal, sys
_, pressed = sys.argv

class Press:
    def find_spec(self, name, *_):
        if name == pressed:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Press())
signal.signal(signal.SIGINT, signal.{handler})  # as from a shell, wherever the tests run
from sentiserve.cli.entry import main
sys.argv = ["sentiserve", "model", "info"]
main()
"""


def began(module: str, handler: str = "default_int_handler") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", PRESSING.format(handler=handler), module]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize("module", ["typer", "rich", "sentiserve.cli.score"])
def test_ctrl_c_while_the_command_is_imported_ends_it_without_a_word(module: str) -> None:
    """As the shell expects it: by the signal."""
    ran = began(module)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_that_the_shell_has_switched_off_stays_so() -> None:
    """As for what runs in the background."""
    ran = began("typer", "SIG_IGN")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


def test_ctrl_c_during_a_command_is_the_commands_business() -> None:
    """It is an exception again, so that nothing half-written stays."""
    ran = began("sentiserve.models.bundle")
    assert ran.returncode > 0
    assert "Traceback" not in ran.stderr
