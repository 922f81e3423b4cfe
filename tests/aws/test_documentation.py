"""docs/deploy-aws.md: its commands, its tables, and what it says of the profiles."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from aws.stacks import Template

from deploy.aws.profiles import OBJECTIVE, PROFILES
from deploy.aws.templates import DIRECTORY
from sentiserve.emf import FIGURES

pytestmark = pytest.mark.xdist_group("aws")
ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "deploy-aws.md").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make deploy")])
def test_make_deploys_the_profile(command: str) -> None:
    """With all that is given, and nothing that isn't known."""
    said = dry(command)
    given = dict(word.split("=", 1) for word in shlex.split(command) if "=" in word)
    assert f"-m deploy.aws.up {given['PROFILE']}" in said
    flags = {"ALLOW": "--allow", "CERTIFICATE": "--certificate", "MODEL_DIR": "--model"}
    for variable, flag in flags.items():
        assert (f"{flag} {given.get(variable)}" in said) == (variable in given)


def test_make_destroys_the_profile() -> None:
    """And asks before, unless it is told not to."""
    assert "-m deploy.aws.down demo" in dry("make destroy PROFILE=demo")
    assert "--yes" not in dry("make destroy PROFILE=demo")
    assert "deploy.aws.templates" in dry("make templates")


def test_make_builds_the_image_that_a_task_wants() -> None:
    """For its processor and with what pulls models, under the whole name that is pushed."""
    (command,) = [c for c in COMMANDS if c.startswith("make image")]
    said = dry(command)
    assert "--file deploy/Dockerfile" in said
    assert "--platform linux/arm64" in said
    assert "--build-arg LOCK=hub" in said
    assert "--target runtime --tag REPOSITORY:TAG ." in said


@pytest.mark.parametrize("command", [c for c in COMMANDS if "cloudformation deploy" in c])
def test_a_template_takes_what_it_is_given(command: str) -> None:
    """The file is there, for the stack of that name, and has these parameters."""
    words = shlex.split(command)
    file = ROOT / words[words.index("--template-file") + 1]
    assert file.parent == DIRECTORY
    assert file.stem == words[words.index("--stack-name") + 1]
    known = json.loads(file.read_text()).get("Parameters", {})
    given = {word.partition("=")[0] for word in words if "=" in word}
    assert given <= set(known)
    assert {name for name, one in known.items() if "Default" not in one} <= given


def test_every_alarm_is_described(templates: dict[str, Template]) -> None:
    """By its name in the code, but for those that are parts of another; and nothing else is."""
    table = TEXT.partition("### Alarms")[2].partition("### The objective")[0]
    firsts = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    described = set(re.findall(r"`(\w+)`", firsts))
    service = templates["sentiserve-demo"]
    alarms = {**service.all("CloudWatch::Alarm"), **service.all("CloudWatch::CompositeAlarm")}
    names = {re.sub(r"^Alarms|[0-9A-F]{8}$", "", name) for name in alarms}
    assert {name for name in names if not re.search(r"Burn\d+$", name)} == described


def test_every_figure_is_described() -> None:
    """By its name in CloudWatch."""
    table = TEXT.partition("| figure | is |")[2].partition("\n\n")[0]
    described = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    assert sorted(described) == sorted(figure.name for figure in FIGURES)


def test_the_profiles_are_as_the_table_says() -> None:
    """Their names, how many tasks they have, and the objective."""
    header, tasks = (
        next(line for line in TEXT.splitlines() if line.startswith(start))
        for start in ("| | `demo`", "| tasks | ")
    )
    assert re.findall(r"`(\w+)`", header) == list(PROFILES)
    for profile, cell in zip(PROFILES.values(), tasks.split("|")[2:], strict=False):
        least, most = profile.tasks
        assert f"{least} to {most}" in cell or "as `prod`" in cell
    assert f"**{OBJECTIVE} % of the requests" in TEXT


def dry(command: str) -> str:
    """What make would run."""
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [program, "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout
