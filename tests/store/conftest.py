"""What the tests of stores share."""

import pytest

from sentiserve.store import redis_connection, redis_tls


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may take longer than anybody would wait, where the machine is busy."""
    monkeypatch.setattr(redis_connection, "_CONNECT", 60.0)
    monkeypatch.setattr(redis_connection, "_PATIENCE", 60.0)
    monkeypatch.setattr(redis_tls, "_PATIENCE", 5.0)
