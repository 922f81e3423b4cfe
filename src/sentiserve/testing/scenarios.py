"""What the scenarios of a store are made of."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentiserve.protocols import Store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

TTL = 24 * 60 * 60  # seconds for which the stores under test keep a prediction
MODEL = "model-1"
NEGATIVE = {"negative": 0.75, "neutral": 0.125, "positive": 0.125}
NEUTRAL = {"negative": 0.25, "neutral": 0.5, "positive": 0.25}
POSITIVE = {"negative": 0.0, "neutral": 0.25, "positive": 0.75}

HOSTILE = (  # as ids and names, which must mean nothing to a store
    "'; DROP TABLE predictions; --",
    '"quoted"',
    "back\\slash",
    "%",
    "_",
    "*",
    "?",
    "[a-z]",
    "{x}",
    "a:b",
    "a/b",
    "tab\tand\nline\r\n",
    "\x01\x1b[31m",
    " ",
    "👩‍👩‍👧",
    "\uff26\uff35\uff2c\uff2c",
    "\u00e9",  # composed
    "e\u0301",  # the same to the eye, but another string
    "A",
    "a",
    "0123",
    "123",
)


def example_prediction(
    post_id: str = "1",
    *,
    platform: str = "x",
    text: str = "Good morning!",
    url: str | None = None,
    author_id: str | None = None,
    author_handle: str | None = None,
    created_at: datetime | None = None,
    scores: Mapping[str, float] = POSITIVE,
    truncated: bool = False,
    model_id: str = MODEL,
    predicted_at: datetime | None = None,
) -> Prediction:
    """A prediction of just now, different from others in what is said here."""
    return Prediction(
        post=Post(
            ref=PostRef(platform, post_id),
            text=text,
            url=url,
            author_id=author_id,
            author_handle=author_handle,
            created_at=created_at,
        ),
        sentiment=Sentiment(scores, truncated),
        model_id=model_id,
        predicted_at=predicted_at or datetime.now(UTC),
    )


class StoreSuite:
    """Tests of a store that the subclass makes."""

    def make_store(self, tmp_path: Path, ttl: int) -> Store:
        """A store of yours: empty, not yet opened, keeping predictions for ``ttl`` seconds.

        It is called inside a running event loop, with another ``tmp_path`` for each test.
        """
        raise NotImplementedError


def with_store(
    test: Callable[[Any, Store], Coroutine[Any, Any, None]],
) -> Callable[[StoreSuite, Path], None]:
    """Give a test an open store and an event loop; what comes out is plain to pytest."""

    def run(self: StoreSuite, tmp_path: Path) -> None:
        async def scenario() -> None:
            store = self.make_store(tmp_path, TTL)
            await store.open()
            try:
                await test(self, store)
            finally:
                await store.close()

        asyncio.run(scenario())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
