"""The page about the container: its commands exist, and are what the tests of containers run."""

import re
import shlex
import subprocess

import pytest
from containers import HARDENED, ROOT

PAGE = (ROOT / "docs" / "container.md").read_text()
COMMANDS = re.findall(r"(?m)^    (make .*?)(?:  +#.*)?$", PAGE) + re.findall(
    r"`(make [^`]+)`", PAGE
)


@pytest.mark.parametrize("command", COMMANDS)
def test_make_knows_it(command: str) -> None:
    """Every target and variable that the page names."""
    arguments = shlex.split(command.replace("…", "x"))
    variables = re.findall(r"(?m)^([A-Z_]+) \?=", (ROOT / "deploy" / "image.mk").read_text())
    given = {part.split("=")[0] for part in arguments if re.match(r"[A-Z_]+=", part)}
    assert given <= {*variables, "REGISTRY"}
    plan = subprocess.run(
        ["make", "--dry-run", *arguments[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert plan.returncode == 0, plan.stderr


def test_the_container_is_locked_down_as_the_page_says() -> None:
    """The flags under which the tests run it."""
    assert f"docker run {' '.join(HARDENED)} " in " ".join(PAGE.replace("\\\n", " ").split())


def test_every_variable_of_compose_is_explained() -> None:
    """Those that are no setting of the service."""
    compose = (ROOT / "compose.yaml").read_text()
    for name in re.findall(r"\$\{(\w+):-", compose):
        assert f"`{name}`" in PAGE or f"`{name}=" in PAGE or name == "SENTISERVE_API_KEYS", name
