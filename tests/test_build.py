"""Settings in, running parts out."""

import threading

import pytest

from sentiserve import build
from sentiserve.settings import Settings


def test_a_model_that_is_being_loaded_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fails to start meanwhile waits for it, so that no thread goes on without an owner."""
    begun, may_end = threading.Event(), threading.Event()

    def load() -> None:
        begun.set()
        may_end.wait(60)

    monkeypatch.setattr("sentiserve.parts.model.model_loader", lambda *_: load)
    with build.loading_model(Settings()) as model:
        begun.wait(60)
        threading.Timer(0.1, may_end.set).start()
    assert model.done()
