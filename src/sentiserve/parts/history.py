"""The history that the settings name, and the journal that it is written from."""

from sentiserve.errors import SettingsError
from sentiserve.history.history import History
from sentiserve.journal.journal import Journal
from sentiserve.journal.place import place
from sentiserve.settings import Settings


def build_history(settings: Settings) -> History | None:
    """The history that the settings name; None if they want none."""
    return None if settings.history == "off" else History(settings.history)


def need_history(settings: Settings) -> History:
    """The history that the settings name.

    Raises:
        SettingsError: they want none, or there is none.
    """
    history = build_history(settings)
    if history is None:
        raise SettingsError("there is no history: SENTISERVE_HISTORY is off; name its directory")
    if not history.directory.is_dir():
        raise SettingsError(
            f"there is no history at {history.directory}; name another with SENTISERVE_HISTORY"
        )
    return history


def build_journal(settings: Settings) -> Journal | None:
    """The journal of the store that the settings name, not yet opened; None if they want none."""
    if settings.durability == "none":
        return None
    return Journal(
        place(settings.journal, settings.store),
        fsync=settings.durability == "fsync",
        max_bytes=settings.max_journal,
    )
