"""What Mastodon's API says of posts, read as a person reads them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import BadInputError, PostProtectedError, SentiserveError, SourceError
from sentiserve.sources.mastodon.statuses import Status, decoded, may_have_been, read_post
from sentiserve.testing.mastodon_server import mastodon_status
from sentiserve.types import Post, PostRef

HOST = "social.example"
TIME = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def status(text: str = "A fine day.", by: str = "ella", **changes: object) -> dict[str, Any]:
    return mastodon_status(7, text, by=by, host=HOST, at=TIME, **changes)


def read(found: object, ref: PostRef | None = None) -> Post:
    status = decoded(msgspec.json.encode(found), Status, HOST)
    return read_post(status, HOST, ref, [HOST, "other.example", "good.example"])


def test_a_post_is_read_with_all_that_is_known() -> None:
    assert read(status("Hello & <3\nworld\n\n#Rain")) == Post(
        ref=PostRef("mastodon", f"7@{HOST}"),
        text="Hello & <3\nworld\n\n#Rain",
        url=f"https://{HOST}/@ella/7",
        author_handle=f"ella@{HOST}",
        created_at=TIME,
    )


def test_a_content_warning_is_a_part_of_the_text() -> None:
    """People read it first, and often it is all that they read."""
    assert read(status(spoiler_text=" About rain ")).text == "About rain\n\nA fine day."
    assert read(status(spoiler_text="About rain", content="")).text == "About rain"


def test_a_boost_has_the_text_of_what_it_boosts() -> None:
    """Its author is who boosted, as with a retweet."""
    boosted = status("Look at this!", by="Tom@Other.example", id="5", spoiler_text="Careful")
    boost = read(
        status("", content="", reblog=boosted, url=f"https://{HOST}/users/ella/statuses/7/activity")
    )
    assert boost.text == "Careful\n\nLook at this!"
    assert boost.author_handle == f"ella@{HOST}"
    assert boost.ref == PostRef("mastodon", f"7@{HOST}")
    assert boost.url == f"https://{HOST}/@ella/7"


def test_a_post_from_elsewhere_is_what_its_own_url_means() -> None:
    """The same post has the same ref, whichever host tells of it."""
    found = read(status(by="tom@other.example"))
    assert found.ref == PostRef("mastodon", "7@other.example")
    assert found.author_handle == "tom@other.example"
    assert found.url == "https://other.example/@tom/7"


def test_a_post_from_a_host_that_is_not_asked_goes_by_its_id_here() -> None:
    """By its own it could not be asked for again, when it may have been deleted."""
    found = read(status(by="tom@elsewhere.example"))
    assert found.ref == PostRef("mastodon", f"7@{HOST}")
    assert found.author_handle == "tom@elsewhere.example"


def test_a_url_of_another_host_than_the_post_is_not_believed() -> None:
    """Else any host could tell of posts under the name of another."""
    found = read(
        status(uri="https://evil.example/users/x/statuses/1", url="https://good.example/@ella/1")
    )
    assert found.ref == PostRef("mastodon", f"7@{HOST}")


@pytest.mark.parametrize(
    "url",
    [None, "", "https://[", "javascript:x", "https://x\n.example/", "https://" + "a" * 3000],
)
def test_a_post_without_a_usable_url_goes_by_its_id(url: str | None) -> None:
    found = read(status(url=url, uri=url))
    assert found.ref == PostRef("mastodon", f"7@{HOST}")
    assert found.url == f"https://{HOST}/@ella/7"


def test_software_with_other_urls_keeps_them() -> None:
    """Not every post in the network is Mastodon's own."""
    url = "https://pleroma.example/notice/AbCd"
    found = read(status(by="tom@pleroma.example", url=url, uri="https://pleroma.example/objects/1"))
    assert found.ref == PostRef("mastodon", f"7@{HOST}")
    assert found.url == url


def test_the_ref_stays_the_one_asked() -> None:
    ref = PostRef("mastodon", f"9@{HOST}")
    assert read(status(), ref).ref == ref


@pytest.mark.parametrize("visibility", ["private", "direct", "limited", "something new"])
def test_what_is_not_for_everybody_is_refused(visibility: str) -> None:
    with pytest.raises(PostProtectedError):
        read(status(visibility=visibility))
    with pytest.raises(PostProtectedError):
        read(status(reblog=status(visibility=visibility)))


def test_an_unlisted_post_is_for_everybody() -> None:
    assert read(status(visibility="unlisted")).text == "A fine day."


@pytest.mark.parametrize("content", ["", "<p></p>", "<script>x</script>", "a\u0000", "x" * 100_001])
def test_a_post_without_a_usable_text_is_an_error(content: str) -> None:
    with pytest.raises(BadInputError, match="text"):
        read(status(content=content))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 7},
        {"id": "7/../8"},
        {"id": ""},
        {"id": "7\n"},
        {"created_at": "yesterday"},
        {"created_at": "2026-05-01T12:30:00"},
        {"created_at": "0001-01-01T00:00:00+12:00"},
        {"content": None},
        {"visibility": None},
        {"account": None},
        {"account": {"id": "1", "acct": "two words"}},
        {"account": {"id": "1", "acct": ""}},
        {"reblog": "x"},
    ],
)
def test_what_is_no_status_is_the_sources_fault(changes: dict[str, object]) -> None:
    with pytest.raises(SourceError):
        read(status() | changes)


@pytest.mark.parametrize("body", [b"", b"<html>", b'"\xff"', b'"\\ud800"', b"[" * 100_000])
def test_what_is_no_json_is_the_sources_fault(body: bytes) -> None:
    with pytest.raises(SourceError):
        decoded(body, Status, HOST)


def test_an_id_of_the_future_was_never_given_out() -> None:
    now = round(datetime.now(UTC).timestamp() * 1000)
    assert may_have_been("1")
    assert may_have_been(str(now << 16))
    assert not may_have_been(str((now + 24 * 60 * 60 * 1000) << 16))


VALUES: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(), st.just({})
)
CHANGES = st.dictionaries(st.sampled_from(sorted(status())), VALUES | st.just(status()))


@given(CHANGES, CHANGES)
def test_any_status_is_a_post_or_a_clear_error(
    changes: dict[str, object], boosted: dict[str, object]
) -> None:
    for found in (status() | changes, status(reblog=status() | boosted) | changes):
        try:
            message = read(found).text
        except SentiserveError as error:
            message = str(error)
        assert message.strip()


@given(st.binary())
def test_any_bytes_are_a_post_or_a_clear_error(body: bytes) -> None:
    with pytest.raises(SourceError):
        decoded(body, Status, HOST)


@given(st.text())
def test_any_content_is_a_text_or_a_clear_error(content: str) -> None:
    try:
        message = read(status(content=content)).text
    except SentiserveError as error:
        message = str(error)
    assert message.strip()
