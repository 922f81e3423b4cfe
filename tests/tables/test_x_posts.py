"""Posts as archives of X have them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables.x_archives import post, wrapped

from sentiserve.tables.x_posts import Owner, post_row

OWNER = Owner("17", "ben_example")
ROW = {
    "platform": "x",
    "id": "1050118621198921728",
    "text": "Tea & cake <3",
    "created_at": "2018-10-10T20:19:24+00:00",
    "author_id": "17",
    "author_handle": "ben_example",
    "url": "https://x.com/ben_example/status/1050118621198921728",
    "lang": "en",
}
TEXT = "Tea &amp; cake &lt;3"


def values(tweet: Any, owner: Owner = OWNER) -> dict[str, Any]:
    row = post_row(tweet, owner)
    assert row.problem is None
    return row.values


@pytest.mark.parametrize(
    "element",
    [
        wrapped(ROW["id"], TEXT),
        post(ROW["id"], TEXT),
        post(ROW["id"], TEXT, id_str=None),
        post(ROW["id"], None, text=TEXT),
        post(ROW["id"], TEXT, created_at="Wed Oct 10 22:19:24 +0200 2018"),
        post(ROW["id"], TEXT, retweeted_status=None, user=None),
        post(ROW["id"], TEXT, user={"id_str": "17", "screen_name": "ben_example"}),
    ],
)
def test_all_shapes_give_the_same_row(element: Any) -> None:
    assert values(element) == ROW
    assert list(values(element)) == list(ROW)


def test_without_its_owner_a_post_has_no_author() -> None:
    found = values(wrapped("20", "hello"), Owner())
    assert (found["author_id"], found["author_handle"]) == (None, None)
    assert found["url"] == "https://x.com/i/web/status/20"


def test_a_post_that_names_its_author_is_not_the_owners() -> None:
    found = values(wrapped("20", "hello", user={"id": "18", "screen_name": "ann_example"}))
    assert (found["author_id"], found["author_handle"]) == ("18", "ann_example")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("RT @ann_example: Tea &amp; cake", "Tea & cake"),
        ("RT @ann_example: ", "RT @ann_example: "),
        ("They wrote RT @ann_example: no", "They wrote RT @ann_example: no"),
        ("&#" + "1" * 9_000 + ";", "\ufffd"),
        ("&amp;lt; is how one writes &lt;", "&lt; is how one writes <"),
    ],
)
def test_the_text_is_what_a_person_reads(written: str, read: str) -> None:
    assert values(wrapped("20", written))["text"] == read


def test_a_retweet_has_the_whole_text_where_it_is_known() -> None:
    retweet = wrapped("20", "RT @ann: Te…", retweeted_status={"full_text": "Tea &amp; cake"})
    assert values(retweet)["text"] == "Tea & cake"


@pytest.mark.parametrize("written", ["yesterday", "Wed Foo 10 20:19:24 +0000 2018", "2018-10-10"])
def test_a_time_that_cannot_be_read_stays_as_it_is(written: str) -> None:
    """Whoever needs it says that it is none."""
    assert values(wrapped("20", "hello", created_at=written))["created_at"] == written


@pytest.mark.parametrize(
    ("element", "says"),
    [
        (None, "no JSON object"),
        ("text", "no JSON object"),
        ({"tweet": []}, "no JSON object"),
        ({}, "no id_str"),
        (wrapped("1e5", "hello"), "no id_str"),
        (wrapped("0", "hello"), "no id_str"),
        ({"tweet": {"id": "20"}}, "neither full_text nor text"),
        (wrapped("20", "a\ud800b"), "lone surrogate"),
    ],
)
def test_what_is_no_post_is_a_problem(element: Any, says: str) -> None:
    row = post_row(element, OWNER)
    assert says in (row.problem or "")
    assert row.values == {}


def test_no_handle_can_bend_a_url() -> None:
    found = values(wrapped("20", "hello", user={"id": "1/2", "screen_name": "../evil?"}))
    assert (found["author_id"], found["author_handle"]) == (None, None)
    assert found["url"] == "https://x.com/i/web/status/20"


strings = st.text(st.characters(), max_size=10)
anything = st.recursive(
    st.none() | st.booleans() | strings,
    lambda of: st.lists(of, max_size=3) | st.dictionaries(strings, of, max_size=3),
)
keys = st.sampled_from(
    ["id", "id_str", "full_text", "text", "created_at", "lang", "user", "retweeted_status"]
)


@given(anything | st.dictionaries(keys, anything | st.just("20")))
def test_any_element_is_a_row(element: Any) -> None:
    """And what stands in its values can be written."""
    row = post_row({"tweet": element}, OWNER)
    for value in row.values.values():
        assert value is None or value.encode()
