"""What a pasted URL means."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.sources.urls import BLUESKY, MASTODON, X, parse_url
from sentiserve.types import PostRef

ID = "1234567890123456789"
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"

X_URLS = [
    f"https://x.com/someone/status/{ID}",
    f"https://twitter.com/someone/status/{ID}",
    f"http://x.com/someone/status/{ID}",
    f"https://www.x.com/someone/status/{ID}",
    f"https://mobile.x.com/someone/status/{ID}",
    f"https://m.x.com/someone/status/{ID}",
    f"https://www.twitter.com/someone/status/{ID}",
    f"https://mobile.twitter.com/someone/status/{ID}",
    f"https://m.twitter.com/someone/status/{ID}",
    f"https://vxtwitter.com/someone/status/{ID}",
    f"https://fxtwitter.com/someone/status/{ID}",
    f"https://fixupx.com/someone/status/{ID}",
    f"https://fixvx.com/someone/status/{ID}",
    f"https://www.fxtwitter.com/someone/status/{ID}",
    f"https://x.com/someone/statuses/{ID}",
    f"https://x.com/i/status/{ID}",
    f"https://x.com/i/web/status/{ID}",
    f"https://x.com/someone/status/{ID}/",
    f"https://x.com/someone/status/{ID}/photo/1",
    f"https://x.com/someone/status/{ID}/video/12/",
    f"https://x.com/someone/status/{ID}?s=20&t=a/b",
    f"https://x.com/someone/status/{ID}/photo/1?s=20",
    f"https://x.com/someone/status/{ID}#top",
    f"https://x.com/a_name_longer_than_fifteen/status/{ID}",
    f"https://x.com:443/someone/status/{ID}",
    f"http://x.com:80/someone/status/{ID}",
    f"https://x.com./someone/status/{ID}",
    f"HTTPS://X.COM/Someone/status/{ID}",
    f"x.com/someone/status/{ID}",
    f"www.twitter.com/someone/status/{ID}",
    f"  https://x.com/someone/status/{ID}\n",
    f"https://x.com/someone%2Fstatus%2F{ID}",
    ID,
    f" {ID} ",
]

OTHER_URLS = [
    ("https://x.com/a/status/1", X, "1"),
    ("1", X, "1"),
    ("9999999999999999999", X, "9999999999999999999"),
    ("https://bsky.app/profile/Anna.bsky.social/post/3kabc", BLUESKY, "3kabc@anna.bsky.social"),
    ("https://www.bsky.app/profile/a.example/post/3k/", BLUESKY, "3k@a.example"),
    (f"https://bsky.app/profile/{DID}/post/3kabc", BLUESKY, f"3kabc@{DID}"),
    (f"https://bsky.app/profile/{DID.replace(':', '%3A')}/post/3kabc", BLUESKY, f"3kabc@{DID}"),
    (f"at://{DID}/app.bsky.feed.post/3kabc", BLUESKY, f"3kabc@{DID}"),
    ("at://anna.bsky.social/app.bsky.feed.post/3kabc", BLUESKY, "3kabc@anna.bsky.social"),
    ("https://mastodon.social/@anna/1234", MASTODON, "1234@mastodon.social"),
    ("https://mastodon.social/@anna@other.example/1234", MASTODON, "1234@mastodon.social"),
    ("https://Mastodon.Social/users/anna/statuses/1234", MASTODON, "1234@mastodon.social"),
    ("mastodon.social/@anna/1234?a=b", MASTODON, "1234@mastodon.social"),
]

REJECTED = [
    "",
    "   ",
    "hello",
    "https://",
    "https://t.co/AbCdEf",
    "t.co/AbCdEf",
    # hosts that only look like X's
    f"https://x.com.evil.org/someone/status/{ID}",
    f"https://evilx.com/someone/status/{ID}",
    f"https://evil-twitter.com/someone/status/{ID}",
    f"https://x.com-evil.org/someone/status/{ID}",
    f"https://evil.org/x.com/someone/status/{ID}",
    f"https://evil.org/?https://x.com/someone/status/{ID}",
    f"https://evil.org#x.com/someone/status/{ID}",
    f"https://evil.x.com/someone/status/{ID}",
    f"https://xxcom/someone/status/{ID}",
    f"https://х.com/someone/status/{ID}",  # noqa: RUF001  # a Cyrillic letter, on purpose
    f"https://nitter.example/someone/status/{ID}",
    # user information, ports, IP addresses, other schemes
    f"https://x.com@evil.org/someone/status/{ID}",
    f"https://user:password@x.com/someone/status/{ID}",
    f"https://@x.com/someone/status/{ID}",
    f"https://x.com:8080/someone/status/{ID}",
    f"https://x.com:x/someone/status/{ID}",
    f"https://x.com:99999/someone/status/{ID}",
    "https://127.0.0.1/@anna/1234",
    "https://169.254.169.254/@anna/1234",
    "https://2130706433/@anna/1234",
    "https://0x7f.1/@anna/1234",
    "https://[::1]/@anna/1234",
    "https://[::1/@anna/1234",
    "https://localhost/@anna/1234",
    f"ftp://x.com/someone/status/{ID}",
    f"file://x.com/someone/status/{ID}",
    f"javascript://x.com/someone/status/{ID}",
    "javascript:alert(1)",
    "data:text/html,1",
    # ids
    "https://x.com/someone/status/",
    "https://x.com/someone/status/0",
    "https://x.com/someone/status/0123",
    "https://x.com/someone/status/12345678901234567890",
    "https://x.com/someone/status/-1",
    "https://x.com/someone/status/1e5",
    "https://x.com/someone/status/١٢٣",
    "https://x.com/someone/status/１２３",  # noqa: RUF001  # fullwidth digits, on purpose
    "https://x.com/someone/status/abc",
    "https://x.com/someone/status/123abc",
    "https://x.com/someone/status/123%00",
    "12345678901234567890",
    "0",
    "0123",
    "١٢٣",
    "-1",
    "1.5",
    "1 2",
    # paths
    "https://x.com/",
    "https://x.com/someone",
    "https://x.com/search?q=status/123",
    "https://x.com/a-b/status/123",
    "https://x.com/a/b/status/123",
    "https://x.com/someone/status/123/photo/",
    "https://x.com/someone/status/123//",
    "https://x.com/@someone/123",
    "https://bsky.app/profile/anna.bsky.social",
    "https://bsky.app/profile/anna.bsky.social/feed/3kabc",
    "https://bsky.app/profile//post/3kabc",
    "https://bsky.app.evil.org/profile/anna.bsky.social/post/3kabc",
    "at://anna.bsky.social/app.bsky.feed.like/3kabc",
    "at://did:plc:x",
    "https://mastodon.social/@anna",
    "https://mastodon.social/@anna/abc",
    "https://mastodon.social/@anna/123456789012345678901",
    "https://mastodon.social/@/1234",
    "https://mastodon.social/users/anna/1234",
]


@pytest.mark.parametrize("url", X_URLS)
def test_every_form_of_xs_urls_means_the_post(url: str) -> None:
    assert parse_url(url) == PostRef(X, ID)


@pytest.mark.parametrize(("url", "platform", "post_id"), OTHER_URLS)
def test_a_known_form_means_its_post(url: str, platform: str, post_id: str) -> None:
    assert parse_url(url) == PostRef(platform, post_id)


@pytest.mark.parametrize("url", REJECTED)
def test_any_other_form_means_nothing(url: str) -> None:
    assert parse_url(url) is None


def test_a_mirror_is_known_only_when_named() -> None:
    """Only a host that the settings name is read as X, and only that host."""
    url = f"https://nitter.example/someone/status/{ID}#m"
    assert parse_url(url, {"nitter.example"}) == PostRef(X, ID)
    assert parse_url(url, {"other.example"}) is None
    assert parse_url(url.replace("//", "//evil."), {"nitter.example"}) is None


URLS = [*X_URLS, *REJECTED, *(url for url, *_ in OTHER_URLS)]
PIECES = sorted({piece for url in URLS for piece in re.split(r"([/:@?#.%])", url)})
ODD = ["\0", "\t", "\n", "\udcff", "\\", "℀", "\u0661"]
pieces = st.sampled_from([*PIECES, *ODD])


@given(st.text() | st.lists(pieces | st.text(max_size=3), max_size=12).map("".join))
def test_any_string_means_a_post_or_nothing(url: str) -> None:
    """No string raises, and an id never holds what a URL's path or a header could stumble on."""
    ref = parse_url(url)
    assert ref is None or (ref.platform in {X, BLUESKY, MASTODON} and ref.id)
    if ref is not None:
        assert not set(ref.id) & set("/?#\\ \t\r\n\0")
        assert ref.id.isascii()


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com/someone/status/123/likes",
        "https://x.com/someone/status/123/analytics",
        "https://fxtwitter.com/someone/status/123/en",
        "https://twitter.com/#!/someone/status/123",
        "https://twitter.com/statuses/123",
        "x.com/someone/status/123?ref=https://t.co/a",
        "//x.com/someone/status/123",
        "(https://x.com/someone/status/123).",
        "<https://x.com/someone/status/123>",
        "https://x.com/someone/status/123\u200b",
    ],
)
def test_forms_that_people_copy_mean_the_same_post(url: str) -> None:
    assert parse_url(url) == PostRef("x", "123")


@pytest.mark.parametrize(
    "path",
    [
        "/web/@ana/110",
        "/deck/@ana/110",
        "/web/statuses/110",
        "/@ana/110/embed",
        "/@ana/110/activity",
    ],
)
def test_mastodons_own_pages_mean_the_same_post(path: str) -> None:
    assert parse_url("https://social.example" + path) == PostRef("mastodon", "110@social.example")
