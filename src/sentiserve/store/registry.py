"""Stores by the scheme of their URL."""

from pathlib import Path

from sentiserve.errors import SettingsError
from sentiserve.plugins import load
from sentiserve.protocols import Store
from sentiserve.store.sqlite import path_of

_REDIS = "sentiserve.store.redis:from_url"
STORES = {
    "memory": "sentiserve.store.memory:from_url",
    "redis": _REDIS,
    "redis+cluster": _REDIS,
    "rediss": _REDIS,
    "rediss+cluster": _REDIS,
    "sqlite": "sentiserve.store.sqlite:from_url",
    "unix": _REDIS,
}


def make_store(url: str, ttl: int) -> Store:
    """The store that a URL names, not yet opened.

    Raises:
        SettingsError: no store has this scheme, or the URL lacks something.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise SettingsError(
            "a store is named by a URL such as sqlite:///PATH, redis://HOST or memory://"
        )
    store: Store = load("sentiserve.stores", scheme, STORES)(url, ttl)
    return store


def missing_file(url: str) -> Path | None:
    """The file that a URL names and that opening the store would create; None if there is none."""
    if not url.startswith("sqlite://"):
        return None
    path = path_of(url)
    try:
        return None if path.exists() else path
    except OSError:  # nobody knows; whoever opens it is told why
        return None
