"""What the image installs: pinned, with digests, and the same as what the tests run with."""

import re
import tomllib

import pytest
from containers import ROOT

LOCKS = ROOT / "deploy" / "lock"
PIN = re.compile(r"(?m)^([\w.-]+)==([^ ;\\]+)(.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)+)")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    return {canonical(name): version for name, version, _ in PIN.findall(lock)}


def read(name: str) -> str:
    return (LOCKS / f"{name}.txt").read_text()


def wanted(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return {canonical(re.split(r"[\[<>=]", requirement)[0]) for requirement in asked}


@pytest.mark.parametrize("name", ["core", "hub", "otel", "tools"])
def test_every_line_is_pinned_and_has_digests(name: str) -> None:
    """So that pip takes nothing else than what was looked at."""
    lines = [line for line in read(name).splitlines() if line and line[0] not in " #"]
    assert len(lines) == len(pins(read(name))) > 0


@pytest.mark.parametrize("name", ["core", "hub", "otel", "tools"])
def test_the_versions_are_those_that_the_tests_run_with(name: str) -> None:
    """Whatever constraints.txt pins has the same version here."""
    lines = (ROOT / "constraints.txt").read_text().split()
    constraints = {canonical(pin.split("==")[0]): pin.split("==")[1] for pin in lines}
    locked = pins(read(name))
    assert {n: v for n, v in locked.items() if constraints.get(n, v) != v} == {}
    if name == "core":
        on_linux = {n for n, _, rest in PIN.findall(read(name)) if " ; " not in rest}
        assert {canonical(n) for n in on_linux} <= constraints.keys()


def test_everything_that_is_asked_for_is_locked() -> None:
    """The dependencies in core.txt, those of the extras hub and otel in their own files, too."""
    assert wanted() <= pins(read("core")).keys()
    for extra in ("hub", "otel"):
        assert wanted(extra) <= pins(read(extra)).keys()


def test_what_is_left_out_is_not_asked_for() -> None:
    """Only what other packages ask for may be left out, and it is."""
    lines = read("left-out").splitlines()
    left_out = {canonical(line) for line in lines if not line.startswith("#")}
    assert left_out
    assert not left_out & (wanted() | pins(read("core")).keys())
