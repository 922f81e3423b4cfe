"""What X's API says: posts under either set of names, and problems in X's words."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sentiserve.hashtags import hashtags_in

_EPOCH = datetime.fromtimestamp(1_288_834_974.657, UTC)  # of the times in ids
_SHORT = 280  # characters; a longer post is a note
_QUOTED = 140  # characters of a post that a retweet's own text holds
_TYPES = "https://api.twitter.com/2/problems/"


def id_at(time: datetime, number: int = 0) -> str:
    """The id of a post written at that time; the number tells several of a millisecond apart."""
    return str(((time - _EPOCH) // timedelta(milliseconds=1) << 22) + number)


def time_of(post_id: str) -> datetime:
    """When the post with that id was written, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=int(post_id) >> 22)


@dataclass(frozen=True, slots=True)
class XPost:
    """A post as X holds it.

    Attributes:
        id: as ``id_at`` makes it, for it tells the time too.
        retweeted: the id of the post that this one retweets.
        history: the ids of all versions, the latest last, where it was edited.
        problem: the end of the problem's type, where X won't show it: ``resource-not-found``,
            ``not-authorized-for-resource`` or ``resource-unavailable``.
    """

    id: str
    author_id: str
    text: str = ""
    retweeted: str | None = None
    history: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """The ids of all versions."""
        return self.history or (self.id,)

    def has(self, tag: str) -> bool:
        """Whether its text has a hashtag, in any case."""
        return tag.casefold() in hashtags_in(self.text)


@dataclass(frozen=True, slots=True)
class Names:
    """One of the two sets of names."""

    fields: str
    posts: str
    note: str
    referenced: str
    history: str
    retweeted: str


TWEET = Names(
    "tweet.fields",
    "tweets",
    "note_tweet",
    "referenced_tweets",
    "edit_history_tweet_ids",
    "retweeted",
)
POST = Names(
    "post.fields", "posts", "note_post", "referenced_posts", "edit_history_post_ids", "reposted"
)


class Answers:
    """Puts answers together from what X holds."""

    def __init__(
        self, posts: Mapping[str, XPost], users: Mapping[str, str], silent: set[str]
    ) -> None:
        """Take all posts and the users' handles by id, and the fields that are never given."""
        self._posts = posts
        self._users = users
        self._silent = silent

    def of_posts(self, found: Sequence[XPost], query: Mapping[str, str]) -> dict[str, Any]:
        """The posts with the fields and expansions that were asked for, by the same names."""
        names = POST if POST.fields in query else TWEET
        expansions = query.get("expansions", "").split(",")
        fields = {*query.get(names.fields, "").split(","), names.history}
        fields |= {expansion.removesuffix(".id") for expansion in expansions}
        fields -= self._silent
        answer: dict[str, Any] = {}
        if found:
            answer["data"] = [self._post(post, names, fields) for post in found]
        includes: dict[str, Any] = {}
        around = dict.fromkeys(post.retweeted for post in found if post.retweeted)
        shown = [self._posts[each] for each in around if each in self._posts]
        if f"{names.referenced}.id" in expansions and shown:
            includes[names.posts] = [self._post(post, names, fields) for post in shown]
        if "author_id" in expansions and found:
            authors = dict.fromkeys(post.author_id for post in found)
            includes["users"] = [self.user(author) for author in authors]
        return {**answer, **({"includes": includes} if includes else {})}

    def user(self, user_id: str) -> dict[str, str]:
        """A user with the fields that always come."""
        handle = self._users[user_id]
        return {"id": user_id, "name": handle.title(), "username": handle}

    def _post(self, post: XPost, names: Names, fields: set[str]) -> dict[str, Any]:
        text = html.escape(self._text(post), quote=False)
        whole = html.escape(post.text, quote=False)
        said: dict[str, Any] = {
            "created_at": f"{time_of(post.id):%Y-%m-%dT%H:%M:%S}"
            f".{time_of(post.id).microsecond // 1000:03}Z",
            "author_id": post.author_id,
            names.history: list(post.versions),
        }
        if len(post.text) > _SHORT:
            said[names.note] = {"text": whole}
        if post.retweeted:
            said[names.referenced] = [{"type": names.retweeted, "id": post.retweeted}]
        return {"id": post.id, "text": text} | {
            name: value for name, value in said.items() if name in fields
        }

    def _text(self, post: XPost) -> str:
        if post.retweeted is None:
            return _cut(post.text, _SHORT)
        original = self._posts.get(post.retweeted)
        if original is None:
            return "RT @somebody: what is gone…"
        return _cut(f"RT @{self._users[original.author_id]}: {original.text}", _QUOTED)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def no_post(post_id: str, kind: str) -> dict[str, str]:
    """Why a post of a lookup isn't there; it stands beside those that are."""
    title, detail = {
        "resource-not-found": ("Not Found Error", f"Could not find tweet with ids: [{post_id}]."),
        "not-authorized-for-resource": (
            "Authorization Error",
            f"Sorry, you are not authorized to see the Tweet with ids: [{post_id}].",
        ),
        "resource-unavailable": ("Resource Unavailable", f"The Tweet [{post_id}] is unavailable."),
    }[kind]
    section = {"section": "data"} if kind == "not-authorized-for-resource" else {}
    return {
        "value": post_id,
        "resource_id": post_id,
        "resource_type": "tweet",
        "parameter": "ids",
        "title": title,
        "detail": detail,
        "type": _TYPES + kind,
        **section,
    }


def no_user(value: str, kind: str, parameter: str) -> dict[str, str]:
    """Why there is no user, or none of the user's posts."""
    return {
        **no_post(value, kind),
        "resource_type": "user",
        "parameter": parameter,
        "detail": f"Could not find user with {parameter}: [{value}].",
    }


def invalid(parameter: str, message: str) -> dict[str, Any]:
    """What X says of a parameter that it can't use."""
    return {
        "errors": [{"parameters": {parameter: ["…"]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": f"{_TYPES}invalid-request",
    }


def problem(
    status: int, kind: str, title: str, detail: str, **more: str
) -> tuple[int, dict[str, Any]]:
    """A status and its problem."""
    where = kind if kind == "about:blank" else _TYPES + kind
    return status, {"title": title, "detail": detail, "type": where, "status": status, **more}


PROBLEMS: Mapping[str, tuple[int, dict[str, Any]]] = {
    "unauthorized": problem(401, "about:blank", "Unauthorized", "Unauthorized"),
    "credits": problem(
        402, "credits", "CreditsDepleted", "Your account does not have any credits to do this."
    ),
    "client-forbidden": problem(
        403,
        "client-forbidden",
        "Client Forbidden",
        "Your app must be in a project.",
        reason="client-not-enrolled",
    ),
    "unsupported-authentication": problem(
        403,
        "unsupported-authentication",
        "Unsupported Authentication",
        "Authenticating with this kind of token is forbidden for this endpoint.",
    ),
    "too-many-requests": problem(429, "about:blank", "Too Many Requests", "Too Many Requests"),
    "too-many-requests-before": (
        429,
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
    ),
    "usage-capped": problem(
        429,
        "usage-capped",
        "UsageCapExceeded",
        "Usage cap exceeded: Monthly product cap",
        period="Monthly",
        scope="Product",
    ),
    "too-many-connections": problem(
        429,
        "streaming-connection",
        "ConnectionException",
        "This stream is currently at the maximum allowed connection limit.",
        connection_issue="TooManyConnections",
    ),
    "no-rules": problem(
        409,
        "streaming-connection",
        "ConnectionException",
        "You must define rules in order to connect to the stream.",
        connection_issue="RuleConfigurationIssue",
    ),
}
"""What X may refuse any request with, by a short name; for ``XServer.refusal``."""
