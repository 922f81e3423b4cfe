"""Sources by name."""

from sentiserve.plugins import load
from sentiserve.protocols import Source
from sentiserve.settings import Settings

SOURCES = {
    "archive": "sentiserve.sources.archive:from_settings",
    "x": "sentiserve.sources.x.source:from_settings",
    "oembed": "sentiserve.sources.oembed:from_settings",
    "bluesky": "sentiserve.sources.bluesky.source:from_settings",
    "mastodon": "sentiserve.sources.mastodon.source:from_settings",
}


def make_source(name: str, settings: Settings) -> Source:
    """The source of that name, not yet opened.

    Raises:
        SettingsError: there is none of that name, or a setting it needs is missing.
    """
    source: Source = load("sentiserve.sources", name, SOURCES)(settings)
    return source
