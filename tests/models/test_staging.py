"""A directory is replaced whole, or not at all."""

import threading
from pathlib import Path

import pytest
from places import bundle_files, write

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import CARD, MANIFEST, open_bundle
from sentiserve.models.staging import discard, locked, mend, replacing, swap


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A bundle, alone in its parent."""
    return write(tmp_path / "models" / "bundle", bundle_files("old"))


def revision(bundle: Path) -> str:
    return open_bundle(bundle).manifest.revision


def alone(out: Path) -> bool:
    return list(out.parent.iterdir()) == [out]


def test_what_the_block_writes_takes_the_place_of_what_was_there(out: Path) -> None:
    with replacing(out) as new:
        (new / CARD).write_text("new")
        assert revision(out) == "old"
    assert [path.name for path in out.iterdir()] == [CARD]
    assert alone(out)


def test_a_block_that_fails_changes_nothing(out: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(out) as new:
        (new / "nowhere" / MANIFEST).write_text("new")
    assert revision(out) == "old"
    assert alone(out)


def test_parents_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b"):
        pass
    assert (tmp_path / "a" / "b").is_dir()


def refuses(out: Path, says: str) -> None:
    before = set(out.iterdir())
    with pytest.raises(BadInputError, match=says), replacing(out):
        pytest.fail("it was let in")
    assert set(out.iterdir()) == before


def test_what_is_no_bundle_stays(out: Path) -> None:
    (out / MANIFEST).rename(out / "notes.txt")
    refuses(out, "is no model bundle: it has no bundle.json; name an empty directory")


def test_what_only_has_a_file_of_that_name_stays(out: Path) -> None:
    (out / MANIFEST).write_text('{"bundle": "of something else"}')
    refuses(out, "bundle.json: Object .*; name an empty directory")


def test_a_bundle_beside_other_things_stays(out: Path) -> None:
    (out / "notes.txt").write_text("mine")
    refuses(out, "notes.txt would be deleted.*move it away")


def test_a_damaged_bundle_is_replaced(out: Path) -> None:
    (out / CARD).unlink()
    (out / f".{MANIFEST}.new").write_text("draft of a killed process")
    with replacing(out) as new:
        write(new, bundle_files("new"))
    assert revision(out) == "new"


def test_a_mount_point_is_refused() -> None:
    refuses(Path("/"), "/ is a mount point; name a directory below it")


def test_what_a_killed_process_left_half_written_is_gone_after_the_next(out: Path) -> None:
    (out.with_name(".bundle.new") / "half").mkdir(parents=True)
    with replacing(out) as new:
        write(new, bundle_files("new"))
    assert revision(out) == "new"
    assert alone(out)


def test_what_cannot_take_the_place_leaves_the_old_one_there(out: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "nothing", out)
    assert revision(out) == "old"
    assert alone(out)


def test_a_swap_that_was_killed_between_its_steps_is_undone(out: Path) -> None:
    out.rename(out.with_name(".bundle.old"))
    mend(out)
    assert revision(out) == "old"
    assert alone(out)


def test_a_link_stays_and_what_it_names_is_replaced(out: Path) -> None:
    link = out.with_name("current")
    link.symlink_to(out.name)
    for name in ("new", "newer"):
        with replacing(link) as new:
            write(new, bundle_files(name))
    assert link.readlink() == Path(out.name)
    assert revision(out) == "newer"
    assert set(out.parent.iterdir()) == {link, out}


def test_what_a_killed_swap_had_set_aside_is_back_while_a_new_one_is_made(out: Path) -> None:
    out.rename(out.with_name(".bundle.old"))
    with replacing(out):
        assert revision(out) == "old"


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
