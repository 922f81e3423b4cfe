"""The stacks as templates, and what an account looks like once they are deployed."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws.emulator import Emulator, emulator
from aws.stacks import Deployed, Template, deploy, templates_in

from deploy.aws.profiles import PROFILES

_DEAF = """
const refuse = () => { throw new Error("synthesis went to the network") };
require("net").Socket.prototype.connect = refuse;
require("dns").lookup = refuse;
"""


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The CDK's app, on a Node that connects to nothing; its first start takes a while."""
    assert "aws_cdk" not in sys.modules, "Node runs already, and may connect to anything"
    directory = tmp_path_factory.mktemp("cdk")
    (directory / "deaf.js").write_text(_DEAF)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_OPTIONS", f"--require {directory / 'deaf.js'}")
        from deploy.aws.__main__ import build  # which starts Node

        return build(str(directory / "out"))


@pytest.fixture(scope="session")
def directory(app: Any) -> Path:
    """Where the templates are."""
    return Path(app.synth().directory)


@pytest.fixture(scope="session")
def templates(directory: Path) -> dict[str, Template]:
    """All templates, by the names of their stacks."""
    return templates_in(directory)


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    """Each test sees all profiles."""
    name: str = request.param
    return name


@pytest.fixture
def base(templates: dict[str, Template], profile: str) -> Template:
    """The base stack of a profile."""
    return templates[f"sentiserve-{profile}-base"]


@pytest.fixture
def service(templates: dict[str, Template], profile: str) -> Template:
    """The service stack of a profile."""
    return templates[f"sentiserve-{profile}"]


@pytest.fixture(scope="session")
def account() -> Iterator[Emulator]:
    """An account that nothing is in at first."""
    with emulator() as started:
        yield started


@pytest.fixture(scope="session")
def deployments(account: Emulator, templates: dict[str, Template]) -> dict[str, Deployed]:
    """All profiles, deployed."""
    return {name: deploy(account, name, templates) for name in PROFILES}


@pytest.fixture
def deployed(deployments: dict[str, Deployed], profile: str) -> Deployed:
    """A profile, deployed."""
    return deployments[profile]
