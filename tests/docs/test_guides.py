"""The guides, tried by following them: files written, commands run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import write_encoder

DOCS = Path(__file__).parents[2] / "docs"
BIN = Path(sys.executable).parent
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
TICKETS = "text\tlabel\n" + "".join(
    f"the {word} day number {i}\t{label}\n"
    for label, word in (
        ("urgent", "broken"),
        ("later", "happy"),
        ("never", "sad"),
        ("soon", "best"),
    )
    for i in range(10)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, with the table that the guide to models starts from."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    (folder / "tickets.tsv").write_text(TICKETS)
    return folder


def follow(guide: Path, folder: Path) -> list[str]:
    """Write the guide's files and run its commands; what they printed."""
    text = guide.read_text()
    for name, content in FILE.findall(text):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return [run(command, folder) for command in commands(text)]


def commands(text: str) -> list[str]:
    lines = "".join(COMMANDS.findall(text)).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def run(command: str, folder: Path) -> str:
    """Run a command as a reader would, but installing beside the environment, offline."""
    if command.startswith("pip install 'sentiserve"):
        return ""  # it is installed: this test runs in it
    installing = f"{sys.executable} -m pip install --no-deps --no-build-isolation -q --target site"
    command = command.replace("pip install", installing)
    result = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ
        | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "site"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SENTISERVE_STORE": "memory://",
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def test_adding_a_source(folder: Path) -> None:
    *_, checked = follow(DOCS / "adding-a-source.md", folder)
    assert re.search(r"ok\s+source notes", checked)


def test_adding_a_store(folder: Path) -> None:
    *_, checked = follow(DOCS / "adding-a-store.md", folder)
    assert "file:///predictions.bin" in checked


def test_adding_a_model(folder: Path) -> None:
    (folder / "encoder").mkdir()
    write_encoder(folder / "encoder")
    output = follow(DOCS / "adding-a-model.md", folder)
    assert "urgent" in "".join(output)
    assert "positive" in output[-1]
