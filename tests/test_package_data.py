"""What the package ships beside its code."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "sentiserve"


def test_every_file_beside_the_code_is_part_of_a_wheel() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setuptools["package-data"]["sentiserve"]
    files = [file for file in PACKAGE.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    others = {file.relative_to(PACKAGE) for file in files if file.suffix != ".py"}
    shipped = {name for pattern in patterns for name in others if name.match(pattern)}
    assert others - shipped == set()
