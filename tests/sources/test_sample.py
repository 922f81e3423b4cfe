"""The sample that ships inside the package: enough to see every feature, and no one's posts."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from sentiserve.sources.archive import read_post
from sentiserve.sources.urls import BLUESKY, MASTODON, X
from sentiserve.tables import read_rows, sample_archive
from sentiserve.types import Post


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    return [read_post(row) for row in read_rows(sample_archive())]


def test_every_row_is_a_post(posts: list[Post]) -> None:
    """208 posts, each with its own id and its own text."""
    assert len(posts) == 208
    assert len({post.ref for post in posts}) == 208
    assert len({post.text for post in posts}) == 208


def test_every_field_is_filled(posts: list[Post]) -> None:
    """Each post has all that a source can give."""
    for post in posts:
        assert post.url
        assert post.author_id
        assert post.author_handle
        assert post.created_at is not None


def test_every_platform_is_there(posts: list[Post]) -> None:
    """Most posts are X's, and there are some of each other platform."""
    counts = Counter(post.ref.platform for post in posts)
    assert counts.keys() == {X, MASTODON, BLUESKY}
    assert counts[X] > 150


def test_a_dozen_authors_write(posts: list[Post]) -> None:
    """Authors are a dozen, each with one id and one handle, and some write more than others."""
    pairs = {(post.author_id, post.author_handle) for post in posts}
    assert len(pairs) == len({author for author, _ in pairs}) == 12
    counts = Counter(post.author_id for post in posts).values()
    assert min(counts) >= 2
    assert max(counts) > min(counts)


def test_nobody_is_real(posts: list[Post]) -> None:
    """No author can have an account: handles on X have at most 15 characters, .example no host."""
    for post in posts:
        handle = post.author_handle or ""
        if post.ref.platform == X:
            assert len(handle) > 15
        else:
            assert handle.endswith(".example")


def test_nobody_else_is_mentioned(posts: list[Post]) -> None:
    """Texts mention only one another's authors and hosts that are kept for examples."""
    handles = {post.author_handle for post in posts}
    for post in posts:
        assert handles.issuperset(re.findall(r"@(\w+)", post.text))
        hosts = re.findall(r"https?://([^/\s]+)", post.text)
        assert {"example.org", "example.com"}.issuperset(hosts)


def test_hashtags_are_shared(posts: list[Post]) -> None:
    """There are hashtags to aggregate by, several of them in many posts."""
    counts = Counter(tag for post in posts for tag in post.hashtags)
    assert sum(count >= 5 for count in counts.values()) >= 5


def test_two_months_are_covered(posts: list[Post]) -> None:
    """The posts spread over about two months, so that there is a course of time to plot."""
    times = sorted(post.created_at for post in posts if post.created_at is not None)
    assert timedelta(days=50) < times[-1] - times[0] < timedelta(days=70)
    assert len({time.date() for time in times}) > 30
