"""What is fuzzed: parsers of what comes from outside, each a line in ``TARGETS``.

A target takes bytes and may raise nothing but what it promises to raise.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from tempfile import gettempdir
from zipfile import ZIP_DEFLATED, ZipFile

from sentiserve.errors import BadInputError
from sentiserve.sources.archive import read_post
from sentiserve.sources.urls import parse_url
from sentiserve.tables import Row, count_rows, read_rows

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

TARGETS = {
    "url": Target(_url, _URLS),
    "jsonl": Target(_table(".jsonl"), (b"\n".join(_SAMPLE),)),
    "csv": Target(_table(".csv"), (b'id,text\n1,"a ""b"", c"\n2,d\n',)),
    "tsv": Target(_table(".tsv"), (b"id\ttext\n1\ta\n",)),
    "x-script": Target(_table(".js"), (_SCRIPT, _FLAT)),
    "x-archive": Target(_table(".zip"), tuple(_zip(0, ZIP_DEFLATED))),
}
