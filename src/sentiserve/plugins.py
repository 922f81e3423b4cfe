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
