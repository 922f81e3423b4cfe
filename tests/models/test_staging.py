"""A directory is replaced whole, or not at all."""

import threading
from pathlib import Path

import pytest

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import MANIFEST
from sentiserve.models.staging import discard, locked, mend, replacing, swap


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory that would pass for a bundle, alone in its parent."""
    directory = tmp_path / "models" / "bundle"
    directory.mkdir(parents=True)
    (directory / MANIFEST).write_text("old")
    return directory


def alone(out: Path) -> bool:
    return list(out.parent.iterdir()) == [out]


def test_what_the_block_writes_takes_the_place_of_what_was_there(out: Path) -> None:
    (out / "left-over").touch()
    with replacing(out) as new:
        (new / MANIFEST).write_text("new")
        assert (out / MANIFEST).read_text() == "old"
    assert (out / MANIFEST).read_text() == "new"
    assert [path.name for path in out.iterdir()] == [MANIFEST]
    assert alone(out)


def test_a_block_that_fails_changes_nothing(out: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(out) as new:
        (new / "nowhere" / MANIFEST).write_text("new")
    assert (out / MANIFEST).read_text() == "old"
    assert alone(out)


def test_parents_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b"):
        pass
    assert (tmp_path / "a" / "b").is_dir()


def test_what_is_no_bundle_stays(out: Path) -> None:
    (out / MANIFEST).rename(out / "notes.txt")
    with pytest.raises(BadInputError, match="is no bundle"), replacing(out):
        pytest.fail("it was let in")
    assert (out / "notes.txt").exists()


def test_what_cannot_take_the_place_leaves_the_old_one_there(out: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "nothing", out)
    assert (out / MANIFEST).read_text() == "old"
    assert alone(out)


def test_a_swap_that_was_killed_between_its_steps_is_undone(out: Path) -> None:
    out.rename(out.with_name(".bundle.old"))
    mend(out)
    assert (out / MANIFEST).read_text() == "old"
    assert alone(out)


def test_a_link_stays_and_what_it_names_is_replaced(out: Path) -> None:
    link = out.with_name("current")
    link.symlink_to(out.name)
    for content in ("new", "newer"):
        with replacing(link) as new:
            (new / MANIFEST).write_text(content)
    assert link.readlink() == Path(out.name)
    assert (out / MANIFEST).read_text() == "newer"
    assert set(out.parent.iterdir()) == {link, out}


def test_what_a_killed_swap_had_set_aside_is_back_while_a_new_one_is_made(out: Path) -> None:
    out.rename(out.with_name(".bundle.old"))
    with replacing(out):
        assert (out / MANIFEST).read_text() == "old"


def test_what_another_is_writing_is_not_discarded(out: Path) -> None:
    out.with_name(".bundle.pull-1").mkdir()
    with locked(out):
        before = set(out.parent.iterdir())
        discard(out)
        assert set(out.parent.iterdir()) == before
    discard(out)
    assert not list(out.parent.iterdir())


def test_a_lock_whose_file_is_gone_when_one_gets_it_is_taken_anew(out: Path) -> None:
    taken, go_on = threading.Event(), threading.Event()

    def take() -> None:
        with locked(out):
            taken.set()
            go_on.wait(10)

    waiting = threading.Thread(target=take)
    with locked(out):
        waiting.start()
        assert not taken.wait(0.2)
    assert taken.wait(10)
    with pytest.raises(BlockingIOError), locked(out, wait=False):
        pytest.fail("two have it")
    go_on.set()
    waiting.join()
    assert alone(out)
