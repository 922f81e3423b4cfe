"""Archives as X gives them to their owners."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables.x_archives import ACCOUNT, post, script, wrapped, zipped

from sentiserve.errors import BadInputError
from sentiserve.tables import Row, count_rows, read_rows

OWNED: dict[str, str | bytes] = {"data/account.js": script(ACCOUNT, name="account")}


def texts(path: Path) -> list[str | None]:
    return [row.values.get("text") for row in read_rows(path)]


def test_all_parts_are_read_in_order_each_once(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {
        f"data/tweets{'-part' * bool(n)}{n or ''}.js": script(wrapped("20", f"part {n}"), part=n)
        for n in (10, 2, 0, 1)
    }
    others: dict[str, str | bytes] = {
        "data/like.js": script({"like": {}}, name="like"),
        "data/deleted-tweets.js": script(wrapped("21", "deleted"), name="deleted_tweets"),
        "assets/data/tweets.js": "no",
        "/data/tweets.js": "no",
        "../data/tweets.js": "no",
        "data/tweets.js/": "",
        "DATA/TWEETS.JS": "no",
    }
    path = zipped(tmp_path / "archive.zip", others | parts | OWNED)
    assert texts(path) == ["part 0", "part 1", "part 2", "part 10"]
    assert count_rows(path) == 4


@pytest.mark.parametrize("folder", ["", "data/"])
@pytest.mark.parametrize("name", ["tweet", "tweets"])
def test_older_names_and_places_are_known(tmp_path: Path, folder: str, name: str) -> None:
    members: dict[str, str | bytes] = {
        f"{folder}{name}.js": "\ufeff" + script(post("20", "hello"), name=name) + ";\n",
        f"{folder}account.js": script(ACCOUNT, name="account"),
    }
    (row,) = read_rows(zipped(tmp_path / "archive.zip", members))
    assert row.values["text"] == "hello"
    assert (row.values["author_id"], row.values["author_handle"]) == ("17", "ben_example")


def test_an_unpacked_archive_may_be_zipped_again_with_its_folder(tmp_path: Path) -> None:
    """Some systems unpack what they download, and add files of their own to what they pack."""
    members: dict[str, str | bytes] = {
        "twitter-2026/data/tweets.js": script(wrapped("20", "hello")),
        "twitter-2026/data/account.js": script(ACCOUNT, name="account"),
        "twitter-2026/Your archive.html": "no",
        "__MACOSX/twitter-2026/data/._tweets.js": b"\0",
    }
    path = zipped(tmp_path / "archive.zip", members)
    (row,) = read_rows(path)
    assert (row.values["text"], row.values["author_handle"]) == ("hello", "ben_example")
    assert count_rows(path) == 1


@pytest.mark.parametrize("folder", ["../", "/", "./", "a/b/", "../../etc/"])
def test_a_path_that_leads_elsewhere_is_no_folder(tmp_path: Path, folder: str) -> None:
    path = zipped(tmp_path / "archive.zip", {f"{folder}data/tweets.js": script(post("20", "a"))})
    with pytest.raises(BadInputError, match="no archive of X"):
        texts(path)


@pytest.mark.parametrize("name", ["tweets.js", "account.js"])
@pytest.mark.parametrize("beginning", ["", "window.YTD.tweets.part0", "window.YTD.tweets.part0 ="])
def test_no_beginning_takes_long(tmp_path: Path, name: str, beginning: str) -> None:
    """Spaces without end are no list."""
    (tmp_path / "tweets.js").write_text(script(wrapped("20", "hello")))
    (tmp_path / name).write_text(beginning + " " * 100_000 + "x")
    begin = time.process_time()
    with pytest.raises(BadInputError, match=name):
        texts(tmp_path / "tweets.js")
    assert time.process_time() - begin < 5  # some milliseconds; by the square, a minute


@pytest.mark.parametrize("name", ["tweets.js", "tweet.js", "tweets-part1.js", "mine.JS"])
def test_a_script_alone_is_read_with_the_account_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(script(wrapped("20", "hello")))
    assert [row.values["author_id"] for row in read_rows(tmp_path / name)] == [None]
    (tmp_path / "account.js").write_text(script(ACCOUNT, name="account"))
    assert [row.values["author_id"] for row in read_rows(tmp_path / name)] == ["17"]
    assert count_rows(tmp_path / name) == 1


def test_a_broken_element_is_a_problem_that_says_where(tmp_path: Path) -> None:
    content = script(wrapped("20", "a"), '{"tweet": nonsense}', {"tweet": {}}, wrapped("23", "b"))
    path = zipped(tmp_path / "archive.zip", {"data/tweets.js": content})
    first, second, third, last = read_rows(path)
    assert (first.values["text"], last.values["text"]) == ("a", "b")
    assert (second.problem or "").startswith("data/tweets.js, element 2: not JSON: ")
    assert (third.problem or "").startswith("data/tweets.js, element 3: no post: it has no id")


def test_bytes_that_are_no_text_cost_their_own_post(tmp_path: Path) -> None:
    content = script(wrapped("20", "caf\xe9"), wrapped("21", "fine")).replace("\\u00e9", "\xe9")
    (tmp_path / "tweets.js").write_bytes(content.encode("latin-1"))
    spoilt, fine = read_rows(tmp_path / "tweets.js")
    assert "UTF-8" in (spoilt.problem or "")
    assert fine.values["text"] == "fine"


def test_nothing_is_executed(tmp_path: Path) -> None:
    content = script(wrapped("20", "a"), "alert(1)", "__import__('os').abort()", wrapped("21", "b"))
    (tmp_path / "tweets.js").write_text(content)
    assert [bool(row.problem) for row in read_rows(tmp_path / "tweets.js")] == [False, True, False]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "it begins with ''"),
        ("{}", "window.YTD.tweets.part0 ="),
        (script(name="like"), "it begins with 'window.YTD.like.part0 ="),
        ("alert(1); window.YTD.tweets.part0 = []", "it begins with 'alert"),
    ],
)
def test_what_is_no_list_of_posts_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "tweets.js").write_text(content)
    with pytest.raises(BadInputError) as caught:
        list(read_rows(tmp_path / "tweets.js"))
    assert says in str(caught.value)
    assert str(tmp_path / "tweets.js") in str(caught.value)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"a.txt": "hello"}, "no archive of X: it holds no data/tweets.js, data/tweet.js"),
        ({"archive.zip": "PK"}, "no archive of X"),
        ({"data/tweets.js": "[]", "tweets.js": "[]"}, "which of data/tweets.js and tweets.js"),
        ({"data/tweet.js": "[]", "data/tweets.js": "[]"}, "which of"),
        ({"data/tweets.js": "[]", "data/account.js": "[]"}, "account.js doesn't say whose"),
        ({"data/tweets.js": "[]", "data/account.js": "account"}, "account.js doesn't say whose"),
        ({"data/tweets.js": "{}"}, "data/tweets.js doesn't begin as"),
    ],
)
def test_a_zip_that_is_no_archive_says_what_is_missing(
    tmp_path: Path, members: dict[str, str | bytes], says: str
) -> None:
    path = zipped(tmp_path / "archive.zip", members)
    with pytest.raises(BadInputError) as caught:
        list(read_rows(path))
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def read_or_refuse(name: str, content: bytes) -> list[Row]:
    with TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(content)
        try:
            return list(read_rows(path))
        except BadInputError:
            return []


def archive_bytes() -> bytes:
    with TemporaryDirectory() as directory:
        parts: dict[str, str | bytes] = {
            "data/tweets.js": script(wrapped("20", "a" * 50), wrapped("21", "b")),
            "data/tweets-part1.js": script(wrapped("22", "c"), part=1),
        }
        return zipped(Path(directory, "a.zip"), OWNED | parts).read_bytes()


WHOLE = archive_bytes()
SCRIPT = script(wrapped("20", "a \\ud83d"), post("21", "ż"), wrapped("22", "RT @a: b")).encode()


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """With some bytes changed, dropped or put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 8))
        content[at : at + length] = draw(st.binary(max_size=8))
    return bytes(content)


@given(mutated(WHOLE) | st.binary().map(lambda some: b"PK\3\4" + some))
def test_any_zip_is_rows_or_bad_input(content: bytes) -> None:
    read_or_refuse("archive.zip", content)


@given(mutated(SCRIPT) | st.binary().map(lambda some: b"[" + some))
def test_any_script_is_rows_or_bad_input(content: bytes) -> None:
    assert all(isinstance(row, Row) for row in read_or_refuse("tweets.js", content))
