"""The benchmarks as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType

_DIRECTORY = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    """A benchmark, not yet run."""
    spec = importlib.util.spec_from_file_location(name, _DIRECTORY / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
