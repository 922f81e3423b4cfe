"""The sources that the settings name, for a service and for looking posts up again."""

from sentiserve.errors import SettingsError
from sentiserve.metrics import Metrics
from sentiserve.settings import Settings
from sentiserve.sources.chain import Chain
from sentiserve.sources.registry import make_source
from sentiserve.types import FeedKind

_PATIENT = 60.0  # seconds that a source may take for a hundred posts, when nobody waits for them


def build_source(settings: Settings, metrics: Metrics) -> Chain:
    """The sources that the settings name, as one, not yet opened."""
    sources = {name: make_source(name, settings) for name in settings.sources}
    return Chain(sources, settings.source_timeout, metrics)


def with_platforms_only(settings: Settings) -> Settings:
    """The settings without sources that only repeat what platforms said once; patient ones.

    Raises:
        SettingsError: no source is left.
    """
    sources = tuple(name for name in settings.sources if name != "archive")
    if not sources:
        raise SettingsError(
            "no source asks a platform: SENTISERVE_SOURCES names the archive alone; add some, "
            "archive,oembed,bluesky,mastodon say"
        )
    patient = max(settings.source_timeout, _PATIENT)
    return settings.model_copy(update={"sources": sources, "source_timeout": patient})


def choose_feed(settings: Settings, kind: FeedKind) -> str:
    """The name of the first source that gives posts in such a sequence.

    Raises:
        SettingsError: a source can't be made.
        BadInputError: none does.
    """
    name, _ = build_source(settings, Metrics()).feed(kind)
    return name
