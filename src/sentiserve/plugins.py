"""What is installed: classes by name, our own and other packages', and the extras."""

from collections.abc import Mapping
from importlib import util
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sentiserve.errors import SentiserveError, SettingsError


def load(group: str, name: str, builtin: Mapping[str, str]) -> Any:
    """The object of that name, imported only now.

    Args:
        group: the entry-point group in which other packages offer theirs.
        name: which one.
        builtin: ``module:attribute`` by name, for what ships with sentiserve.

    Raises:
        SettingsError: there is none, or it can't be imported.
    """
    offered = _builtin(group, name, builtin) or _installed(group, name, builtin)
    try:
        return offered.load()
    except Exception as error:  # whatever another package's module raises
        raise SettingsError(f"{group} {name!r} cannot be imported: {error}") from error


def _builtin(group: str, name: str, builtin: Mapping[str, str]) -> EntryPoint | None:
    return EntryPoint(name, builtin[name], group) if name in builtin else None


def _installed(group: str, name: str, builtin: Mapping[str, str]) -> EntryPoint:
    """Looking through all that is installed takes a while."""
    offered = {point.name: point for point in entry_points(group=group)}
    if name not in offered:
        known = ", ".join(sorted({*offered, *builtin}))
        raise SettingsError(
            f"no {group.removeprefix('sentiserve.')} named {name!r}; known: {known}"
        )
    return offered[name]


def needs(extra: str, *modules: str) -> None:
    """Return if what an extra brings is installed.

    Raises:
        SentiserveError: it isn't; the text says how to install it.
    """
    missing = [module for module in modules if util.find_spec(module) is None]
    if missing:
        raise SentiserveError(
            f"{', '.join(missing)} is not installed: pip install 'sentiserve[{extra}]'"
        )
