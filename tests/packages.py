"""Packages that bring a source, as pip would install them."""

import os
from pathlib import Path

import pytest


def offer_source(site: Path, name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a source known; its module has ``from_settings``."""
    offer(site, name, f"[sentiserve.sources]\n{name} = {name}:from_settings", module, monkeypatch)


def offer(
    site: Path, name: str, entry_points: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make what a package brings known to this process and those that it starts.

    Args:
        site: a directory for it.
        name: the package's, and its module's.
        entry_points: what it brings.
        module: Python code.
        monkeypatch: undoes it after the test.
    """
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"{entry_points}\n")
    (site / f"{name}.py").write_text(module)
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), path])))
    monkeypatch.syspath_prepend(site)
