"""Where data and states are kept on this machine, unless somebody says otherwise."""

import os
from pathlib import Path

from sentiserve.errors import SettingsError


def data_directory() -> Path:
    """Where the store and the history are kept.

    Raises:
        SettingsError: there is no home directory.
    """
    return _home("XDG_DATA_HOME", "share")


def state_directory() -> Path:
    """Where it is kept how far a work is, and what was spent on it.

    Raises:
        SettingsError: there is no home directory.
    """
    return _home("XDG_STATE_HOME", "state")


def _home(variable: str, usual: str) -> Path:
    try:
        home = os.environ.get(variable) or Path.home() / ".local" / usual
    except RuntimeError:
        raise SettingsError(
            f"there is no home directory; name one to write to with {variable}"
        ) from None
    return Path(home) / "sentiserve"
