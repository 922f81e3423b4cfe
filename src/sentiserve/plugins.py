"""Registries: names to classes, our own and those of installed packages."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sentiserve.errors import SettingsError


def load(group: str, name: str, builtin: Mapping[str, str]) -> Any:
    """The object of that name, imported only now.

    Args:
        group: the entry-point group in which other packages offer theirs.
        name: which one.
        builtin: ``module:attribute`` by name, for what ships with sentiserve.

    Raises:
        SettingsError: there is none, or it can't be imported.
    """
    own = [EntryPoint(name, value, group) for name, value in builtin.items()]
    offered = {point.name: point for point in (*entry_points(group=group), *own)}
    if name not in offered:
        known = ", ".join(sorted(offered))
        raise SettingsError(
            f"no {group.removeprefix('sentiserve.')} named {name!r}; known: {known}"
        )
    try:
        return offered[name].load()
    except Exception as error:  # whatever another package's module raises
        raise SettingsError(f"{group} {name!r} cannot be imported: {error}") from error
