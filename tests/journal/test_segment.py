"""Segments give back every record whose line is whole, whatever happened to the rest."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal.records import ids, record

from sentiserve.journal.segment import Segment, encode

LINES = [encode(record(number, text="Straße 🎉 " * number)) for number in range(5)]
CONTENT = b"".join(LINES)


def write(directory: Path, content: bytes) -> Segment:
    (directory / "owner").mkdir()
    path = directory / "owner" / "1.ndjson"
    path.write_bytes(content)
    return Segment(path)


def test_what_is_appended_comes_back(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    records = [record(number) for number in range(10)]
    for each in records:
        segment.append(encode(each), 1, fsync=False)
    assert [found for batch in segment.read(3) for found in batch] == records
    assert segment.size == segment.path.stat().st_size
    segment.close()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    segment.close()


@given(st.integers(0, len(CONTENT)))
def test_cut_anywhere_everything_up_to_the_last_whole_line_comes_back(cut: int) -> None:
    with TemporaryDirectory() as directory:
        segment = write(Path(directory), CONTENT[:cut])
        assert segment.mend() is None
        whole = CONTENT[:cut].count(b"\n")
        assert ids(segment.path) == [str(number) for number in range(whole)]
        assert segment.records == whole
        assert segment.size == segment.path.stat().st_size == sum(map(len, LINES[:whole]))


@given(st.integers(0, 4), st.binary(max_size=30).filter(lambda noise: b"\n" not in noise))
def test_a_damaged_line_is_set_aside_with_its_file_and_the_others_go_on(
    line: int, noise: bytes
) -> None:
    with TemporaryDirectory() as directory:
        damaged = b"".join([*LINES[:line], noise + b"\n", *LINES[line + 1 :]])
        segment = write(Path(directory), damaged)
        aside = segment.mend()
        assert aside is not None
        assert aside.read_bytes() == damaged
        assert aside.suffix == ".damaged"
        assert ids(segment.path) == [str(number) for number in range(5) if number != line]
        assert segment.mend() is None


def test_a_line_that_is_json_but_no_record_is_damaged_too(tmp_path: Path) -> None:
    segment = write(tmp_path, LINES[0] + b'{"platform":"x"}\n')
    with pytest.raises(msgspec.DecodeError):
        ids(segment.path)
    assert segment.mend() is not None
    assert ids(segment.path) == ["0"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    segment.append(LINES[0], 1, fsync=False)
    os.close(segment._descriptor or 0)
    segment._descriptor = os.open(segment.path, os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file"):
        segment.append(LINES[1], 1, fsync=False)
    segment.close()
    assert (segment.size, segment.records) == (len(LINES[0]), 1)
    assert ids(segment.path) == ["0"]


@given(st.sets(st.integers(0, 19)), st.sampled_from([1, 3, 100]))
def test_of_all_lines_those_are_read_that_were_left(left: set[int], at_once: int) -> None:
    with TemporaryDirectory() as directory:
        segment = write(Path(directory), b"".join(encode(record(number)) for number in range(20)))
        for line in sorted(left):
            segment.leave(line)
        assert segment.waiting == len(left)
        found = [record.id for batch in segment.read(at_once, segment.unread) for record in batch]
        assert found == [str(number) for number in sorted(left)]
