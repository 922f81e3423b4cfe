"""What X's API says of posts: the two sets of names that it uses, and how its answers are read.

X renamed tweets to posts in August 2026, and answers with the names that it was asked by. What it
doesn't know it leaves out without a word.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.sources.snowflake import is_plausible
from sentiserve.sources.urls import X
from sentiserve.texts import checked_text, unescaped
from sentiserve.types import Post, PostRef

_ID = re.compile(r"[1-9][0-9]{0,18}")
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,50}")
_RETWEETS = {"retweeted", "reposted"}
_MAX_DETAIL = 200  # characters of X's own words in a message


@dataclass(frozen=True, slots=True)
class Dialect:
    """By which names X's API is asked."""

    name: str  # what SENTISERVE_X_FIELDS calls it
    note: str
    referenced: str
    history: str

    @property
    def params(self) -> dict[str, str]:
        """What a request for posts asks of each."""
        fields = ("created_at", "author_id", self.note, self.referenced, self.history)
        return {
            f"{self.name}.fields": ",".join(fields),
            "expansions": f"author_id,{self.referenced}.id",
            "user.fields": "username",
        }


DIALECTS = {
    "tweet": Dialect("tweet", "note_tweet", "referenced_tweets", "edit_history_tweet_ids"),
    "post": Dialect("post", "note_post", "referenced_posts", "edit_history_post_ids"),
}


@dataclass(frozen=True, slots=True)
class Version:
    """A post as X gave it, and the id of its latest version."""

    post: Post
    latest: str


Read = Version | SentiserveError


def missing(post_id: str) -> SentiserveError:
    """The error for a post that X says it doesn't have."""
    if is_plausible(post_id):
        return PostDeletedError(f"X has no post {post_id}: it has been deleted, or never was")
    return not_found(post_id)


def not_found(post_id: str) -> NotFoundError:
    """The error for a post of which X can't or doesn't say anything."""
    return NotFoundError(f"X has no post {post_id[:20]}")


@dataclass(frozen=True, slots=True)
class Problem:
    """What X says is wrong, as RFC 7807 has it, or as X had it before that.

    Attributes:
        kind: the end of its type: the host before it has changed over the years.
    """

    kind: str
    title: str
    detail: str
    about: str | None = None

    def __str__(self) -> str:
        """X's own words, cut where they are many."""
        words = self.detail or self.title or self.kind
        return " ".join(words.split())[:_MAX_DETAIL].encode(errors="replace").decode()

    @property
    def is_spent(self) -> bool:
        """Whether what may be spent at X is spent: no waiting changes that."""
        return self.kind in _SPENT or self.title in _SPENT


_SPENT = {"usage-capped", "UsageCapExceeded", "credits", "credits-depleted", "CreditsDepleted"}


def problems(answer: Any) -> list[Problem]:
    """All problems of an answer, with or without data beside them."""
    if not isinstance(answer, dict):
        return []
    found = [answer] if "type" in answer or "title" in answer else []
    return [_problem(each) for each in (*found, *_dicts(answer.get("errors")))]


def _problem(said: Mapping[str, Any]) -> Problem:
    return Problem(
        _string(said, "type").rstrip("/").rpartition("/")[2],
        _string(said, "title"),
        _string(said, "detail") or _string(said, "message"),
        _string(said, "resource_id") or _string(said, "value") or None,
    )


def as_error(problem: Problem, post_id: str) -> SentiserveError:
    """The error that a problem with one post means."""
    match problem.kind:
        case "resource-not-found":
            return missing(post_id)
        case "not-authorized-for-resource":
            return PostProtectedError(
                f"the author of X's post {post_id} shows it to followers only"
            )
        case "resource-unavailable":
            return NotFoundError(f"X has the post {post_id}, but does not show it")
    return SourceError(f"X gives no post {post_id}: {problem}")


def data_of(answer: Any) -> Mapping[str, Any]:
    """An answer, if it is an object as all of X's are.

    Raises:
        SourceError: it isn't.
    """
    if not isinstance(answer, dict):
        raise SourceError("X answered with something that is no answer of its API")
    return answer


def ids_of(answer: Any) -> list[str]:
    """The posts that an answer holds: what it is paid for."""
    return [post["id"] for post in _dicts(data_of(answer).get("data")) if _is_id(post.get("id"))]


def read_posts(answer: Any, asked: Sequence[str]) -> dict[str, Read]:
    """What an answer says of each post that was asked for.

    Raises:
        SourceError: it is no answer of X's API.
    """
    answer = data_of(answer)
    found = read_page(answer)
    about = {problem.about: problem for problem in problems(answer)}
    outcomes: dict[str, Read] = {}
    for post_id in asked:
        if post_id in found:
            outcomes[post_id] = found[post_id]
        elif post_id in about:
            outcomes[post_id] = as_error(about[post_id], post_id)
        elif None in about:  # it is about the request as a whole
            outcomes[post_id] = SourceError(f"X gives no post {post_id}: {about[None]}")
        else:
            outcomes[post_id] = not_found(post_id)
    return outcomes


def read_page(answer: Any) -> dict[str, Read]:
    """The posts that an answer holds by id, in its order; an error for each that is unusable.

    Raises:
        SourceError: it is no answer of X's API.
    """
    answer = data_of(answer)
    included = answer.get("includes")
    included = included if isinstance(included, dict) else {}
    around = _dicts(included.get("tweets")) + _dicts(included.get("posts"))
    posts = {post["id"]: post for post in around if _is_id(post.get("id"))}
    users = {_string(user, "id"): user for user in _dicts(included.get("users"))}
    return {
        post["id"]: _read(post, posts, users)
        for post in _dicts(answer.get("data"))
        if _is_id(post.get("id"))
    }


def _read(
    said: Mapping[str, Any], around: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]
) -> Read:
    try:
        post_id, author_id = said["id"], _requested(said, "author_id")
        if not _is_id(author_id):
            raise SourceError("X gave a post's author as something that is no id")
        handle = _handle(users.get(author_id, {}))
        post = Post(
            PostRef(X, post_id),
            _text(said, around),
            f"https://x.com/{handle or 'i/web'}/status/{post_id}",
            author_id,
            handle,
            _time(_requested(said, "created_at")),
        )
    except SentiserveError as error:
        return error
    return Version(post, _latest(said) or post_id)


def with_text_of(post: Post, latest: Post) -> Post:
    """An edited post: what it says now, and otherwise as it was asked for."""
    return msgspec.structs.replace(post, text=latest.text)


def _requested(said: Mapping[str, Any], name: str) -> str:
    if value := _string(said, name):
        return value
    raise SourceRefusedError(
        f"X left out {name}, which it was asked for; if it has renamed its fields, "
        "SENTISERVE_X_FIELDS may set that right"
    )


def _text(said: Mapping[str, Any], around: Mapping[str, Any]) -> str:
    """What a person reads: a long post whole, and of a retweet what was retweeted."""
    for name in ("referenced_tweets", "referenced_posts"):
        for reference in _dicts(said.get(name)):
            if _string(reference, "type") in _RETWEETS:
                said = around.get(_string(reference, "id"), said)
    for name in ("note_tweet", "note_post"):
        note = said.get(name)
        if isinstance(note, dict) and _string(note, "text"):
            return _checked(_string(note, "text"))
    return _checked(said.get("text"))


def _checked(text: object) -> str:
    try:
        return checked_text(unescaped(text) if isinstance(text, str) else text)
    except BadInputError as error:
        raise BadInputError(f"the post can't be used: {error}") from None


def _latest(said: Mapping[str, Any]) -> str | None:
    for name in ("edit_history_tweet_ids", "edit_history_post_ids"):
        history = said.get(name)
        if isinstance(history, list):
            return max((each for each in history if _is_id(each)), key=int, default=None)
    return None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SourceError("X gave a post's time as something that is no time") from None


def _handle(user: Mapping[str, Any]) -> str | None:
    name = _string(user, "username")
    return name if _HANDLE.fullmatch(name) else None


def read_user(answer: Any) -> str | None:
    """The id of the user that an answer holds, if it holds one."""
    user = data_of(answer).get("data")
    user_id = _string(user, "id") if isinstance(user, dict) else ""
    return user_id if _is_id(user_id) else None


def next_token(answer: Any) -> str | None:
    """What X wants to be asked with for the next page; None after the last."""
    meta = data_of(answer).get("meta")
    return (_string(meta, "next_token") or None) if isinstance(meta, dict) else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _string(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[Mapping[str, Any]]:
    """A list's objects; an object by itself is a list of one."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict)]
