"""Where a reading was left is known to the next one, and to one at a time."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sentiserve.errors import BadInputError
from sentiserve.ingest.cursors import CursorFile, Position, Work

WORK = Work("x", "user", ("ines",), "redis://user:secret@host")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_position_comes_back_as_it_was(tmp_path: Path) -> None:
    position = Position("cursor", 7, NOW, NOW, NOW, NOW)
    with CursorFile(tmp_path / "state", WORK) as cursors:
        assert cursors.load() == Position()
        cursors.save(position)
        assert cursors.load() == position
    with CursorFile(tmp_path / "state", WORK) as cursors:
        assert cursors.load() == position


def test_a_finished_work_leaves_nothing_behind(tmp_path: Path) -> None:
    with CursorFile(tmp_path, WORK) as cursors:
        cursors.save(Position("cursor"))
        cursors.save(Position())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [
        {"source": "bluesky"},
        {"kind": "tag"},
        {"names": ("ines", "tom")},
        {"store": "memory://"},
        {"limit": 10},
        {"since": "7d"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_each_work_has_its_own(tmp_path: Path, other: dict[str, object]) -> None:
    with (
        CursorFile(tmp_path, WORK) as one,
        CursorFile(tmp_path, msgspec.structs.replace(WORK, **other)) as two,
    ):
        one.save(Position("cursor"))
        assert two.load() == Position()


def test_two_runs_of_the_same_work_are_refused(tmp_path: Path) -> None:
    with (
        CursorFile(tmp_path, WORK),
        pytest.raises(BadInputError, match="another run"),
        CursorFile(tmp_path, WORK),
    ):
        pass
    with CursorFile(tmp_path, WORK):
        pass


def test_only_its_owner_may_look_and_no_password_is_in_it(tmp_path: Path) -> None:
    with CursorFile(tmp_path / "state", WORK) as cursors:
        cursors.save(Position("cursor"))
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    (file,) = (tmp_path / "state").iterdir()
    assert file.name.startswith("x-user-")
    assert "secret" not in file.name + file.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"posts": "many"}', b"\xff"])
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    with CursorFile(tmp_path, WORK) as cursors:
        cursors.save(Position("cursor"))
        (file,) = tmp_path.glob("*.json")
        file.write_bytes(content)
        with pytest.raises(BadInputError, match="--restart"):
            cursors.load()


def test_a_directory_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadInputError, match="XDG_STATE_HOME"),
        CursorFile(tmp_path / "file" / "state", WORK),
    ):
        pass


def test_what_is_under_way_keeps_its_time_and_what_begins_takes_the_latest() -> None:
    under_way = Position("cursor", since=NOW)
    assert under_way.begun(NOW + HOUR, NOW) == under_way
    begun = Position(read_until=NOW).begun(NOW - HOUR, NOW + HOUR)
    assert (begun.since, begun.started) == (NOW, NOW + HOUR)
    assert Position(read_until=NOW).begun(NOW + HOUR, NOW).since == NOW + HOUR
    assert Position().begun(None, NOW).since is None


def test_what_was_read_is_known_afterwards_but_not_beyond_the_beginning() -> None:
    begun = Position(read_until=NOW - HOUR).begun(None, NOW)
    assert begun.finished() == Position(read_until=NOW - HOUR)
    read = begun.after("a", 2, [NOW - 2 * HOUR, NOW - HOUR / 2]).after("b", 1, [])
    assert (read.cursor, read.posts) == ("b", 3)
    assert read.finished() == Position(read_until=NOW - HOUR / 2)
    assert begun.after("a", 1, [NOW + HOUR]).finished() == Position(read_until=NOW)
