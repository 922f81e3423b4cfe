"""How X's answers are read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from x_api import at

from sentiserve.errors import BadInputError, PostDeletedError, SentiserveError, SourceError
from sentiserve.sources.x.posts import (
    DIALECTS,
    Version,
    ids_of,
    missing,
    next_token,
    problems,
    read_page,
    read_posts,
    read_user,
)
from sentiserve.texts import checked_text
from sentiserve.types import Post, PostRef

BARE = {
    "id": "1",
    "text": "Tea &amp; cake &lt;3",
    "author_id": "17",
    "created_at": "2026-09-04T05:34:12.233Z",
    "edit_history_tweet_ids": ["1"],
}
USERS = {"users": [{"id": "17", "name": "Ella", "username": "ella"}]}


def read(post: dict[str, Any], **includes: Any) -> Any:
    found = read_page({"data": [{**BARE, **post}], "includes": {**USERS, **includes}})["1"]
    return found.post if isinstance(found, Version) else found


def test_a_post_is_read_as_a_person_sees_it() -> None:
    assert read({}) == Post(
        PostRef("x", "1"),
        "Tea & cake <3",
        "https://x.com/ella/status/1",
        "17",
        "ella",
        datetime(2026, 9, 4, 5, 34, 12, 233_000, UTC),
    )


def test_entities_are_read_once() -> None:
    """Who wrote ``&lt;`` meant that."""
    assert read({"text": "write &amp;lt; for &lt;"}).text == "write &lt; for <"


@pytest.mark.parametrize("note", ["note_tweet", "note_post"])
def test_a_long_post_is_its_note(note: str) -> None:
    assert read({note: {"text": "all &amp; everything"}}).text == "all & everything"


@pytest.mark.parametrize(
    ("referenced", "posts", "kind", "note"),
    [
        ("referenced_tweets", "tweets", "retweeted", "note_tweet"),
        ("referenced_posts", "posts", "reposted", "note_post"),
        ("referenced_posts", "posts", "retweeted", "note_post"),
    ],
)
def test_a_retweet_is_what_was_retweeted(referenced: str, posts: str, kind: str, note: str) -> None:
    around = {posts: [{"id": "5", "text": "short…", note: {"text": "short no more"}}]}
    post = read({"text": "RT @tom: short…", referenced: [{"type": kind, "id": "5"}]}, **around)
    assert (post.text, post.author_handle) == ("short no more", "ella")


@pytest.mark.parametrize("kind", ["quoted", "replied_to"])
def test_a_quote_or_reply_is_its_own_text(kind: str) -> None:
    around = {"tweets": [{"id": "5", "text": "another"}]}
    assert read({"referenced_tweets": [{"type": kind, "id": "5"}]}, **around).text != "another"


def test_without_a_handle_the_address_still_works() -> None:
    post = read({}, users=[])
    assert (post.author_id, post.author_handle) == ("17", None)
    assert post.url == "https://x.com/i/web/status/1"


@pytest.mark.parametrize("history", ["edit_history_tweet_ids", "edit_history_post_ids"])
def test_the_latest_version_has_the_highest_id(history: str) -> None:
    found = read_page({"data": [BARE | {"edit_history_tweet_ids": None, history: ["9", "10"]}]})[
        "1"
    ]
    assert isinstance(found, Version)
    assert found.latest == "10"


@pytest.mark.parametrize(
    "broken",
    [{"text": ""}, {"text": " "}, {"text": None}, {"text": "\ud800"}, {"text": "a" * 100_001}],
)
def test_a_text_that_cannot_be_classified_is_an_error(broken: dict[str, Any]) -> None:
    assert isinstance(read(broken), BadInputError)


@pytest.mark.parametrize(
    "broken",
    [
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"author_id": 17},
        {"author_id": "x"},
    ],
)
def test_what_was_asked_for_and_is_not_there_is_an_error(broken: dict[str, Any]) -> None:
    assert isinstance(read(broken), SourceError)


@pytest.mark.parametrize("host", ["https://api.twitter.com", "https://api.x.com"])
def test_a_problem_is_known_by_the_end_of_its_type(host: str) -> None:
    error = {"type": f"{host}/2/problems/resource-not-found", "value": at(1), "title": "?"}
    assert isinstance(read_posts({"errors": [error]}, [at(1)])[at(1)], PostDeletedError)


def test_a_problem_with_what_is_around_a_post_leaves_the_post_alone() -> None:
    """The post that this one answers may be gone."""
    error = {
        "type": "…/resource-not-found",
        "resource_id": "5",
        "parameter": "referenced_tweets.id",
    }
    found = read_posts({"data": [BARE], "errors": [error]}, ["1"])
    assert isinstance(found["1"], Version)


def test_a_problem_without_a_post_is_that_of_all() -> None:
    found = read_posts({"errors": [{"type": "…/strange", "detail": "so sorry"}]}, ["1", "2"])
    assert {str(error).partition(":")[2] for error in found.values()} == {" so sorry"}


def test_many_words_are_cut() -> None:
    (problem,) = problems({"errors": [{"detail": "word \n" * 1_000 + "\ud800"}]})
    assert len(str(problem)) <= 200
    assert "\n" not in str(problem)


def test_what_was_never_written_was_not_deleted() -> None:
    assert isinstance(missing(at(1)), PostDeletedError)
    assert not isinstance(missing(at(-2)), PostDeletedError)


def test_both_sets_of_names_ask_for_the_same() -> None:
    tweet, post = (json.dumps(DIALECTS[name].params) for name in ("tweet", "post"))
    assert post == tweet.replace("_tweet", "_post").replace("tweet.", "post.")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=4,
)
POST_LIKE = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["1", "2", "", "01", "x"]) | JSON,
        "text": st.text() | JSON,
        "author_id": st.sampled_from(["17", "18"]) | JSON,
        "created_at": st.sampled_from(["2026-09-04T05:34:12.233Z", "9999-12-31T23:59:59-14:00"])
        | JSON,
        "note_tweet": st.fixed_dictionaries({"text": st.text() | JSON}) | JSON,
        "referenced_posts": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("retweeted"), "id": st.sampled_from("12") | JSON}
            )
        )
        | JSON,
        "edit_history_post_ids": st.lists(st.sampled_from(["1", "2", "x"]) | JSON) | JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(POST_LIKE, max_size=3) | POST_LIKE | JSON,
        "errors": st.lists(
            st.fixed_dictionaries(
                {}, optional={name: st.text() | JSON for name in ("type", "title", "value")}
            )
            | JSON
        )
        | JSON,
        "includes": st.fixed_dictionaries(
            {"posts": st.lists(POST_LIKE, max_size=2), "users": st.lists(JSON, max_size=2) | JSON}
        )
        | JSON,
        "meta": st.fixed_dictionaries({"next_token": JSON}) | JSON,
    },
)


@given(answer=ANSWER | JSON)
def test_any_answer_is_posts_or_errors(answer: Any) -> None:
    """Nothing else is raised, and each post can be stored."""
    try:
        found = read_posts(answer, ["1", "2"])
        assert set(found) == {"1", "2"}
        for post_id, outcome in (found | read_page(answer)).items():
            if isinstance(outcome, Version):
                post = outcome.post
                assert checked_text(post.text)
                assert post.ref.id == post_id
                assert post.created_at is not None
                assert json.dumps([post.author_id, post.author_handle, post.url]).isascii()
            else:
                assert isinstance(outcome, SentiserveError)
                str(outcome).encode()
        ids_of(answer), next_token(answer), read_user(answer), list(map(str, problems(answer)))
    except SourceError:
        assert not isinstance(answer, dict)
