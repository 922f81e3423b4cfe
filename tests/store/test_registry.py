"""Stores by URL."""

import pytest

from sentiserve.errors import SettingsError
from sentiserve.store.memory import MemoryStore
from sentiserve.store.registry import STORES, make_store
from sentiserve.store.sqlite import SqliteStore


def test_the_scheme_says_which_store() -> None:
    """Each scheme gives its own store."""
    assert isinstance(make_store("memory://", 60), MemoryStore)
    assert isinstance(make_store("sqlite:///store.db", 60), SqliteStore)


@pytest.mark.parametrize("url", ["", "store.db", "sqlite:/store.db", "sqlite"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """The error says what a URL looks like."""
    with pytest.raises(SettingsError, match="sqlite:///PATH"):
        make_store(url, 60)


@pytest.mark.parametrize("url", ["mysql://host/db", "://", "SQLITE:///x", "os:system://"])
def test_an_unknown_scheme_lists_the_known(url: str) -> None:
    """The error names every scheme there is."""
    with pytest.raises(SettingsError) as caught:
        make_store(url, 60)
    assert all(scheme in str(caught.value) for scheme in STORES)
