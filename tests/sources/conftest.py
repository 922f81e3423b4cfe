"""What the tests of sources share."""

import pytest


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is not tried again: the pause before that would be longer than the patience."""
    monkeypatch.setattr("sentiserve.sources.web._FIRST_PAUSE", 3_600.0)
