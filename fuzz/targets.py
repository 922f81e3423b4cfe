"""What is fuzzed: parsers of what comes from outside, each a line in ``TARGETS``.

A target takes bytes and may raise nothing but what it promises to raise.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from tempfile import gettempdir
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.records import Record
from sentiserve.sources.archive import read_post
from sentiserve.sources.bluesky.intake import Intake
from sentiserve.sources.bluesky.lists import read_items
from sentiserve.sources.bluesky.posts import read_view
from sentiserve.sources.html import text_of_html
from sentiserve.sources.mastodon import statuses
from sentiserve.sources.oembed import read_answer
from sentiserve.sources.urls import parse_url
from sentiserve.sources.waits import wait_of
from sentiserve.sources.web import Reply
from sentiserve.sources.x.api import Refusal
from sentiserve.sources.x.posts import Version, next_token, read_posts, read_user
from sentiserve.sources.x.stream import read_line
from sentiserve.tables import Row, count_rows, read_rows
from sentiserve.testing.bluesky_server import Account, Written
from sentiserve.testing.bluesky_stream import event, microseconds
from sentiserve.testing.mastodon_server import mastodon_status
from sentiserve.testing.oembed_server import oembed_answer
from sentiserve.testing.x_answers import PROBLEMS, Answers, XPost, no_post
from sentiserve.types import FeedKind, FeedQuery, Post, PostRef, Prediction, Sentiment

_SCRATCH = Path("/dev/shm" if Path("/dev/shm").is_dir() else gettempdir())
_SAMPLE = (files("sentiserve") / "data" / "sample.jsonl").read_bytes().splitlines()[:5]


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and what it is meant to read."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _url(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    ref = parse_url(text, ("nitter.example",))
    assert ref is None or (ref.platform and ref.id), text


def _table(suffix: str) -> Callable[[bytes], None]:
    """Rows, or a BadInputError; what is a row is a post, or a BadInputError."""

    def parse(content: bytes) -> None:
        path = _SCRATCH / f"sentiserve-fuzz{suffix}"
        path.write_bytes(content)
        for row in _rows(path):
            try:
                read_post(row)
            except BadInputError:
                assert row.problem is None or isinstance(row.problem, str)

    return parse


def _rows(path: Path) -> Iterator[Row]:
    try:
        count_rows(path)
        yield from read_rows(path)
    except BadInputError as error:
        if str(path) not in str(error):
            raise AssertionError("the error doesn't say which file it is about") from error


def _answer(read: Callable[[Reply], Iterable[object]]) -> Callable[[bytes], None]:
    """Posts that can be kept, and errors that can be told."""

    def parse(content: bytes) -> None:
        for status in (200, 404):
            try:
                found = list(read(Reply(status, {}, content)))
            except SentiserveError as error:
                found = [error]
            for each in found:
                _keep(each) if isinstance(each, Post) else _tell(each)

    return parse


def _keep(post: Post) -> None:
    prediction = Prediction(post, Sentiment({"neutral": 1.0}), "model", _NOW)
    msgspec.msgpack.encode(Record.of(prediction, _NOW))
    assert post.text.strip()
    assert post.entities is not None


def _tell(error: object) -> None:
    assert isinstance(error, SentiserveError), error
    str(error).encode()


def _x(reply: Reply) -> Iterator[object]:
    if refusal := Refusal("SENTISERVE_X_BEARER_TOKEN")(reply):
        yield refusal
    answer = reply.json()
    for read in read_posts(answer, _X_IDS).values():
        yield read.post if isinstance(read, Version) else read
    assert next_token(answer) != ""
    assert read_user(answer) != ""


def _x_stream(reply: Reply) -> Iterator[object]:
    for line in reply.body.split(b"\n"):
        if post := read_line(line, frozenset({"7"})):
            yield post


def _jetstream(reply: Reply) -> Iterator[object]:
    intake = Intake(FeedQuery(FeedKind.STREAM), None)
    for message in reply.body.split(b"\n"):
        intake.take(message)
    page = intake.page()
    yield from page.posts
    assert all(ref.platform and ref.id for ref in page.deleted)


def _mastodon(reply: Reply) -> Iterator[object]:
    status = statuses.decoded(reply.body, statuses.Status, _HOST)
    assert statuses.may_have_been(status.id) is not None
    yield statuses.read_post(status, _HOST, hosts=(_HOST, "other.example"))


def _waits(content: bytes) -> None:
    text = content.decode("latin-1")  # as headers come
    for name in ("retry-after", "x-rate-limit-reset"):
        wait = wait_of(429, {name: text})
        assert wait is None or 0 <= wait <= 24 * 60 * 60, text


def _html(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    for first_paragraph in (False, True):
        assert text_of_html(text, first_paragraph=first_paragraph).strip() is not None


def _script(*elements: object, name: str = "tweets") -> bytes:
    return f"window.YTD.{name}.part0 = {json.dumps(elements, indent=2)}".encode()


def _zip(*compressions: int) -> Iterator[bytes]:
    for compression in compressions:
        buffer = BytesIO()
        with ZipFile(buffer, "w", compression) as archive:
            archive.writestr("data/account.js", _script(_ACCOUNT, name="account"))
            archive.writestr("data/tweets.js", _SCRIPT)
            archive.writestr("data/tweets-part1.js", _FLAT)
        yield buffer.getvalue()


_ACCOUNT = {"account": {"username": "ben_example", "accountId": "17"}}
_POST = {
    "id_str": "20",
    "full_text": "RT @ann_example: Tea &amp; cake \U0001f370",
    "created_at": "Wed Oct 10 20:19:24 +0000 2018",
    "lang": "en",
    "user": {"id": 17, "screen_name": "ben_example"},
}
_SCRIPT = _script({"tweet": _POST}, {"tweet": _POST | {"id_str": 21}})
_FLAT = _script(_POST | {"text": "flat", "retweeted_status": {"text": "whole"}})
_URLS = (
    b"https://x.com/ann/status/20?s=20",
    b"https://nitter.example/i/web/status/20/photo/1",
    b"at://did:plc:abc/app.bsky.feed.post/3kabc",
    b"https://bsky.app/profile/ann.example/post/3kabc",
    b"https://social.example/@ann@other.example/20",
)

_NOW = datetime.now(UTC)
_HOST = "social.example"
_TEXT = "Tea &amp; <b>cake</b> \U0001f370 #tea\n" * 10
_X_POSTS = (
    XPost("20", "17", "Tea & cake", history=("20", "21")),
    XPost("1800000000000000001", "17", _TEXT),
    XPost("1800000000000000002", "18", retweeted="1800000000000000001"),
)
_X_IDS = [post.id for post in _X_POSTS]


def _x_answers() -> Iterator[bytes]:
    answers = Answers({post.id: post for post in _X_POSTS}, {"17": "ann", "18": "ben"}, set())
    for fields, note, referenced in (
        ("tweet.fields", "note_tweet", "referenced_tweets"),
        ("post.fields", "note_post", "referenced_posts"),
    ):
        asked = {
            fields: f"created_at,author_id,{note},{referenced}",
            "expansions": f"author_id,{referenced}.id",
        }
        said = answers.of_posts(_X_POSTS, asked)
        meta = {"result_count": 3, "next_token": "7140"}
        errors = [no_post("20", "resource-not-found"), no_post("21", "resource-unavailable")]
        yield json.dumps({**said, "meta": meta}).encode()
        yield json.dumps({**said, "errors": errors}).encode()
    yield json.dumps({"data": answers.user("17")}).encode()
    yield from (json.dumps(problem).encode() for _, problem in PROBLEMS.values())


def _x_lines() -> Iterator[bytes]:
    matching = [{"id": "7", "tag": "tea"}]
    for answer in map(json.loads, _x_answers()):
        posts = answer.get("data")
        if isinstance(posts, list):
            yield json.dumps({**answer, "data": posts[0], "matching_rules": matching}).encode()
    yield json.dumps(PROBLEMS["too-many-connections"][1]).encode() + b"\r\n\r\n"


def _bluesky_lists() -> Iterator[bytes]:
    views = [{"post": json.loads(view)} for view in _bluesky_views()]
    reason = {"$type": "app.bsky.feed.defs#reasonRepost"}
    reposts = [{**view, "reason": reason} for view in views]
    yield json.dumps({"feed": [*views, *reposts], "cursor": "2026-05-25T14:23:28Z"}).encode()
    yield json.dumps({"feed": [views[1], reposts[1]]}).encode()


def _bluesky_views() -> Iterator[bytes]:
    ann = Account("ann.example", ("!no-unauthenticated",))
    record = {"text": _TEXT, "createdAt": "2026-05-25T14:23:28.757Z", "tags": ["tea"]}
    for author in (ann, Account("ben.example")):
        yield json.dumps(Written(author, "3kabcdefghijk", record, _NOW).view).encode()
    yield json.dumps({"uri": "at://did:plc:x/app.bsky.feed.post/3k", "notFound": True}).encode()


def _jetstream_messages() -> Iterator[bytes]:
    did = Account("ann.example").did
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "Tea"}
    record: dict[str, object] = {"text": _TEXT, "createdAt": "2026-05-25T14:23:28Z"}
    record |= {"facets": [{"features": [feature]}]}
    now, rkey = microseconds(_NOW), "3kabcdefghijk"
    yield json.dumps(event(did, "create", rkey, now, record)).encode()
    told = (("create", record), ("update", record), ("delete", None))
    events = [event(did, what, rkey, now + n, said) for n, (what, said) in enumerate(told)]
    yield b"\n".join(json.dumps(each).encode() for each in events)


def _mastodon_statuses() -> Iterator[bytes]:
    for by in ("ann", "ben@other.example"):
        status = mastodon_status(7, _TEXT, by=by, host=_HOST, at=_NOW, spoiler_text="food")
        yield json.dumps(status).encode()
        yield json.dumps(status | {"reblog": status, "content": ""}).encode()


_OEMBED = oembed_answer(Post(PostRef("x", "20"), _TEXT, author_handle="ann"))
_HTML = (
    _OEMBED["html"].encode(),
    b'<p>a<br>b <a href="x" class="mention"><span class="invisible">https://</span>'
    b'<span class="ellipsis">c.example/d</span></a></p><pre> e\nf</pre><script><p></script>&#x41;',
)

TARGETS = {
    "url": Target(_url, _URLS),
    "jsonl": Target(_table(".jsonl"), (b"\n".join(_SAMPLE),)),
    "csv": Target(_table(".csv"), (b'id,text\n1,"a ""b"", c"\n2,d\n',)),
    "tsv": Target(_table(".tsv"), (b"id\ttext\n1\ta\n",)),
    "x-script": Target(_table(".js"), (_SCRIPT, _FLAT)),
    "x-archive": Target(_table(".zip"), tuple(_zip(0, ZIP_DEFLATED))),
    "x": Target(_answer(_x), tuple(_x_answers())),
    "x-stream": Target(_answer(_x_stream), tuple(_x_lines())),
    "bluesky": Target(_answer(lambda r: [read_view(r.json())]), tuple(_bluesky_views())),
    "bluesky-list": Target(_answer(lambda r: read_items(r.json())[0]), tuple(_bluesky_lists())),
    "jetstream": Target(_answer(_jetstream), tuple(_jetstream_messages())),
    "mastodon": Target(_answer(_mastodon), tuple(_mastodon_statuses())),
    "oembed": Target(
        _answer(lambda r: [read_answer(PostRef("x", "20"), r)]), (json.dumps(_OEMBED).encode(),)
    ),
    "html": Target(_html, _HTML),
    "waits": Target(
        _waits, (b"120", b"1800000000", b"2026-05-25T14:23:28Z", b"Mon, 25 May 2026 14:23:28 GMT")
    ),
}
