"""What X gives people of their own posts: a zip file, or one ``.js`` of it.

A script is read as what it is, a list of JSON with a name in front; it is never executed.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from sentiserve.errors import BadInputError
from sentiserve.tables.json_list import NoListError, count, elements
from sentiserve.tables.row import Row
from sentiserve.tables.x_posts import Owner, post_row
from sentiserve.tables.zip_members import bounded, check_together, chunks, only, opened

_POSTS = re.compile(r"(?:data/)?tweets?(?:-part([0-9]{1,4}))?\.js")
_ACCOUNT = re.compile(r"(?:data/)?account\.js")
_NO_FOLDERS = {"", ".", ".."}
# Possessive, for however much space there is: what was passed is never tried otherwise.
_POSTS_START = re.compile(r"\ufeff?\s*+(?:window\.YTD\.tweets?\.part[0-9]{1,4}\s*+=\s*+)?\[")
_ACCOUNT_START = re.compile(r"\ufeff?\s*+window\.YTD\.account\.part0\s*+=\s*+\[")


def read_zip(path: Path) -> Iterator[Row]:
    """The posts of an archive: all parts, in order, with their author.

    Raises:
        BadInputError: it is no zip file, or a damaged one, or holds no posts of X.
    """
    with opened(path) as archive, _named(path):
        owner = _owner_in(archive)
        for member in _parts(archive):
            yield from _rows(chunks(archive, member), member.filename, owner)


def count_zip(path: Path) -> int:
    """How many posts there are; what is damaged is found, for all of it is unpacked.

    Raises:
        BadInputError: as for ``read_zip``.
    """
    with opened(path) as archive, _named(path):
        _owner_in(archive)
        members = _parts(archive)
        return sum(_count(chunks(archive, member), member.filename) for member in members)


def read_script(path: Path) -> Iterator[Row]:
    """The posts of one file; their author, if ``account.js`` lies beside it.

    Raises:
        BadInputError: it holds no posts of X.
    """
    account = path.with_name("account.js")
    with _named(path):
        owner = _owner(account.name, _bytes(account)) if account.is_file() else Owner()
        yield from _rows(_bytes(path), path.name, owner)


def count_script(path: Path) -> int:
    """How many posts there are.

    Raises:
        BadInputError: it holds no posts of X.
    """
    with _named(path):
        return _count(_bytes(path), path.name)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file an error is about."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error


def _bytes(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from bounded(file, path.name, path.stat().st_size)


def _parts(archive: ZipFile) -> list[ZipInfo]:
    parts: dict[int, list[ZipInfo]] = {}
    for member, named in _matching(archive, _POSTS):
        parts.setdefault(int(named[1] or 0), []).append(member)
    if not parts:
        raise BadInputError(
            "no archive of X: it holds no data/tweets.js, data/tweet.js or data/tweets-part1.js"
        )
    members = [only(parts[number]) for number in sorted(parts)]
    check_together(archive, members)
    return members


def _matching(
    archive: ZipFile, pattern: re.Pattern[str]
) -> Iterator[tuple[ZipInfo, re.Match[str]]]:
    """The members with such a name; also where an unpacked archive was zipped with its folder."""
    tops = {name.partition("/")[0] for name in archive.namelist()} - {"__MACOSX"}
    folder = f"{tops.pop()}/" if len(tops) == 1 and not tops & _NO_FOLDERS else ""
    for member in archive.infolist():
        if named := pattern.fullmatch(member.filename.removeprefix(folder)):
            yield member, named


def _owner_in(archive: ZipFile) -> Owner:
    found = [member for member, _ in _matching(archive, _ACCOUNT)]
    if not found:
        return Owner()
    member = only(found)
    return _owner(member.filename, chunks(archive, member))


def _owner(name: str, content: Iterator[bytes]) -> Owner:
    try:
        match next(elements(_text(content), _ACCOUNT_START), None):
            case {"account": dict(account)}:
                return Owner.of(account, "accountId", "username")
    except NoListError:
        pass
    raise BadInputError(f"{name} doesn't say whose posts they are; remove it to go on without")


def _rows(content: Iterator[bytes], name: str, owner: Owner) -> Iterator[Row]:
    with _a_list(name):
        for number, element in enumerate(elements(_text(content), _POSTS_START), start=1):
            row = post_row(element, owner)
            yield Row(problem=f"{name}, element {number}: {row.problem}") if row.problem else row


def _count(content: Iterator[bytes], name: str) -> int:
    with _a_list(name):
        return count(_text(content), _POSTS_START)


@contextmanager
def _a_list(name: str) -> Iterator[None]:
    try:
        yield
    except NoListError as error:
        raise BadInputError(
            f"{name} doesn't begin as X's lists of posts do, window.YTD.tweets.part0 = [: {error}"
        ) from error


def _text(content: Iterator[bytes]) -> Iterator[str]:
    """Bytes that are no UTF-8 become lone surrogates: they cost their own post alone."""
    decoder = getincrementaldecoder("utf-8")("surrogateescape")
    yield from map(decoder.decode, content)
    yield decoder.decode(b"", final=True)
