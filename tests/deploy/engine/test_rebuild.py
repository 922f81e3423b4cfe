"""What a change rebuilds, and what it leaves as it is."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import copy_of_the_project, fresh, images, layers, make

from sentiserve.models.bundle import default_bundle


@pytest.fixture
def project() -> Iterator[Path]:
    with copy_of_the_project() as directory:
        yield directory


@pytest.fixture
def changed() -> Iterator[str]:
    name = fresh("changed")
    with images(name):
        yield name


def ran(log: str) -> set[str]:
    """The stages of which a command was run, not taken from the cache."""
    steps = dict(re.findall(r"^#(\d+) \[(\w+) \d+/\d+\] RUN", log, re.MULTILINE))
    cached = set(re.findall(r"^#(\d+) CACHED", log, re.MULTILINE))
    return {stage for step, stage in steps.items() if step not in cached}


def new_layers(image: str, changed: str) -> int:
    assert len(layers(image)) == len(layers(changed))
    return len(set(layers(changed)) - set(layers(image)))


def test_another_model_rebuilds_nothing_else(image: str, changed: str, tmp_path: Path) -> None:
    """Its layer is the only new one, and no command runs."""
    bundle = shutil.copytree(default_bundle(), tmp_path / "bundle")
    (bundle / "README.md").write_text("# Another model\n")
    log = make("image", f"IMAGE={changed}", f"BUNDLE={bundle}")
    assert ran(log) == set()
    assert new_layers(image, changed) == 1


def test_other_code_rebuilds_neither_packages_nor_model(
    image: str, changed: str, project: Path
) -> None:
    """Its layer is the only new one."""
    module = project / "src" / "sentiserve" / "texts.py"
    module.write_text(f"{module.read_text()}# {fresh('change')}\n")
    log = make("image", f"IMAGE={changed}", folder=project)
    assert ran(log) == {"source", "code"}
    assert new_layers(image, changed) == 1


def test_other_packages_rebuild_neither_model_nor_code(
    image: str, changed: str, project: Path
) -> None:
    """Their layer and the list of what is inside are the only new ones."""
    lock = project / "deploy" / "lock" / "core.txt"
    lock.write_text(
        re.sub(r"(?ms)^shellingham==.*?(?=^\w)", "", lock.read_text()) + f"# {fresh('change')}\n"
    )
    log = make("image", f"IMAGE={changed}", folder=project)
    assert "installed" in ran(log) <= {"installed", "listed"}  # a list of the same isn't made again
    assert new_layers(image, changed) == 2
