"""The README's commands, run; its answers, compared."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import PATIENCE

import sentiserve
from sentiserve.models.bundle import CARD, default_bundle, open_bundle

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
URL = "http://127.0.0.1:8000"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = "".join(blocks("console")).splitlines()
    return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("make ")])
def test_make_has_the_targets(command: str) -> None:
    make, target = command.split()
    dry = subprocess.run(
        [make, "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"serve": "sentiserve serve", "test": "pytest"}[target] in dry.stdout


def send(curl: str, service_url: str) -> Any:
    """Send what the command would: an URL, perhaps headers, perhaps a body."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("url")
    arguments.add_argument("-H", dest="headers", action="append", default=[])
    arguments.add_argument("-d", dest="body")
    given = arguments.parse_args(shlex.split(curl)[1:])
    headers = dict(header.split(": ", 1) for header in given.headers)
    method = "GET" if given.body is None else "POST"
    url = given.url.replace(URL, service_url)
    return httpx.request(method, url, headers=headers, content=given.body, timeout=PATIENCE).json()


def test_the_requests_are_answered_as_shown(start_service) -> None:  # type: ignore[no-untyped-def]
    service = start_service()
    shown = json.loads(blocks("json")[0])
    asked, batch = (send(c, service.url) for c in commands() if c.startswith("curl "))
    assert asked.pop("scores") == pytest.approx(shown.pop("scores"), abs=0.01)
    assert asked == shown
    day, post, empty = batch["results"]
    assert day["sentimentAnalyst"] == "positive"
    assert post["cached"] is True
    assert empty["status"] == 422


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith(".venv/bin/")])
def test_the_command_works(command: str, tmp_path: Path) -> None:
    program, *arguments = shlex.split(command.replace("/tmp/", f"{tmp_path}/"))
    here = [str(ROOT / part) if part.startswith("src/") else part for part in arguments]
    result = subprocess.run(
        [str(Path(sys.executable).parent / Path(program).name), *here],
        cwd=tmp_path,
        env=os.environ | {"SENTISERVE_STORE": "memory://"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_library_example_prints_a_label(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks("python")[0], "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("positive 0.")


def test_the_figures_are_those_of_the_bundle() -> None:
    manifest = open_bundle(default_bundle()).manifest
    card = (default_bundle() / CARD).read_text()
    for text in (README, card):
        assert f"{manifest.quality['macro_recall']:.3f}" in text
        assert f"{manifest.quality['accuracy']:.3f}" in text


def test_every_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_version_is_the_packages() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", sentiserve.__version__)
