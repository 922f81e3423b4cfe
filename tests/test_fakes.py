"""The published fakes keep the contracts themselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiserve.testing import FeedContract
from sentiserve.testing.fakes import FakeFeed
from sentiserve.types import FeedKind, FeedQuery, Post, PostRef

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class TestFakeFeed(FeedContract):
    query = FeedQuery(FeedKind.USER, ("ines",))
    posts = [
        Post(PostRef("fake", str(i)), f"post number {i}", created_at=NOW - timedelta(hours=i))
        for i in range(25)
    ]

    def make_feed(self, tmp_path: Path) -> FakeFeed:
        return FakeFeed(self.posts, feeds={FeedKind.USER})
