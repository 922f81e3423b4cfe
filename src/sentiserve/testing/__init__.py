"""Contract suites: what every store, source and model must do, for your own to prove.

Subclass a suite in your tests, say how to make yours, and run pytest; no plugin is needed.

    class TestMyStore(StoreContract):
        def make_store(self, tmp_path, ttl):
            return MyStore(tmp_path / "store", ttl)
"""

import pytest

# A failed assertion then shows its values, as it does in your own files.
pytest.register_assert_rewrite(
    "sentiserve.testing.aggregates",
    "sentiserve.testing.feed",
    "sentiserve.testing.feedback",
    "sentiserve.testing.forgetting",
    "sentiserve.testing.model",
    "sentiserve.testing.source",
    "sentiserve.testing.store",
    "sentiserve.testing.timelines",
    "sentiserve.testing.windows",
)

from sentiserve.testing.feed import FeedContract  # noqa: E402  # after the line above
from sentiserve.testing.model import ModelContract  # noqa: E402
from sentiserve.testing.scenarios import example_prediction  # noqa: E402
from sentiserve.testing.source import SourceContract  # noqa: E402
from sentiserve.testing.store import StoreContract  # noqa: E402

__all__ = ["FeedContract", "ModelContract", "SourceContract", "StoreContract", "example_prediction"]
