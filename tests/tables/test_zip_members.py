"""Zip files that nobody can be trusted to have made."""

import struct
import warnings
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZIP_STORED

import pytest
from tables.x_archives import script, wrapped, zipped

from sentiserve.errors import BadInputError
from sentiserve.tables import count_rows, read_rows, zip_members

NAME = "data/tweets.js"
CONTENT = script(wrapped("20", "hello"), wrapped("21", "world"))


def refused(path: Path) -> str:
    said = set()
    for read in (lambda: list(read_rows(path)), lambda: count_rows(path)):
        with pytest.raises(BadInputError) as caught:
            read()
        said.add(str(caught.value))
    (reason,) = said
    assert str(path) in reason
    return reason


def test_what_unpacks_to_far_more_than_posts_do_is_refused(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {NAME: b"[" + b" " * 50_000_000})
    assert "50,000,001 or more, which no posts do" in refused(bomb)


def test_what_is_larger_than_any_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_members, "MAX_BYTES", 100)
    assert "which no posts do" in refused(zipped(tmp_path / "a.zip", {NAME: CONTENT}))


def test_what_comes_out_counts_whatever_was_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size that a zip file states for its member is a claim."""
    path = zipped(tmp_path / "a.zip", {NAME: CONTENT})
    monkeypatch.setattr(zip_members, "_check", lambda member: None)
    monkeypatch.setattr(zip_members, "MAX_BYTES", 100)
    assert "which no posts do" in refused(path)


def test_a_bomb_that_says_to_be_packed_into_more_is_refused(tmp_path: Path) -> None:
    """The size from which the most that may come out follows is a claim, too."""
    path = zipped(tmp_path / "bomb.zip", {NAME: b"[" + b" " * 50_000_000})
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 20
    path.write_bytes(content[:at] + struct.pack("<L", 1_000_000) + content[at + 4 :])
    assert "its members overlap, or state wrong sizes" in refused(path)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Each would do alone."""
    parts: dict[str, str | bytes] = {f"data/tweets-part{n}.js": CONTENT for n in range(1, 9)}
    path = zipped(tmp_path / "a.zip", parts, ZIP_STORED)
    content = path.read_bytes()
    begin = content.index(b"PK\x01\x02")
    path.write_bytes(content[: begin // 2] + content[begin:])
    assert "its members overlap" in refused(path)


def test_what_is_small_in_parts_may_be_too_large_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: dict[str, str | bytes] = {f"data/tweets-part{n}.js": CONTENT for n in range(1, 9)}
    path = zipped(tmp_path / "a.zip", parts)
    monkeypatch.setattr(zip_members, "MAX_BYTES", 4 * len(CONTENT))
    assert "what it holds unpacks" in refused(path)


def test_a_member_that_is_larger_than_declared_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {NAME: CONTENT})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", len(CONTENT)), struct.pack("<L", 60)))
    assert "damaged" in refused(path)


def test_a_long_list_of_members_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members: dict[str, str | bytes] = {NAME: CONTENT, **{f"{n}.jpg": "" for n in range(100)}}
    path = zipped(tmp_path / "a.zip", members)
    assert len(list(read_rows(path))) == 2
    monkeypatch.setattr(zip_members, "MAX_DIRECTORY", 4_000)
    assert "its list of members is too long" in refused(path)


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.zip", {NAME: CONTENT}, method)
    assert f"{NAME} is compressed by method {method}; unpack" in refused(path)


def test_what_is_encrypted_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {NAME: CONTENT})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert f"{NAME} is encrypted; unpack the archive" in refused(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        path = zipped(tmp_path / "a.zip", {NAME: CONTENT, "data/tweetsX.js": CONTENT})
    path.write_bytes(path.read_bytes().replace(b"data/tweetsX.js", b"/data/tweets.js"))
    assert len(list(read_rows(path))) == 2  # another name, which is nobody's
    path = zipped(tmp_path / "b.zip", {NAME: CONTENT, "data/tweetZ.js": CONTENT})
    path.write_bytes(path.read_bytes().replace(b"data/tweetZ.js", NAME.encode()))
    assert "which of data/tweets.js and data/tweets.js counts" in refused(path)


@pytest.mark.parametrize("method", [8, ZIP_STORED])
@pytest.mark.parametrize("at", [0.3, 0.5, 0.9])
def test_a_damaged_or_cut_file_is_refused(tmp_path: Path, method: int, at: float) -> None:
    path = zipped(tmp_path / "a.zip", {NAME: CONTENT * 3}, method)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * at)])
    assert "no zip file, or a damaged one" in refused(path)
    middle = whole.index(NAME.encode()) + 60
    path.write_bytes(whole[:middle] + bytes(8) + whole[middle + 8 :])
    assert "damaged" in refused(path)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("hello")
    assert "no zip file, or a damaged one: File is not a zip file" in refused(tmp_path / "a.zip")
