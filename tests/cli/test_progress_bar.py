"""``sentiserve score`` shows its progress to people, and to nobody else."""

from pathlib import Path

from processes import Run, on_terminal
from tables.x_archives import script, wrapped, zipped


def write(path: Path) -> None:
    path.write_text("text\n" + "".join(f"Text {i}.\n" for i in range(30)))


def test_a_terminal_gets_a_progress_bar(tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    said = on_terminal("score", "in.csv", "out.csv")
    assert b"scoring" in said
    assert b"30/30" in said
    assert b"30 rows in out.csv" in said


def test_the_bar_ends_with_what_was_found(tmp_path: Path) -> None:
    """An archive's posts are counted by how they begin; a broken one may begin otherwise."""
    content = script(wrapped("20", "a"), "oops", wrapped("21", "b"))
    zipped(tmp_path / "archive.zip", {"data/tweets.js": content})
    said = on_terminal("score", "archive.zip", "out.csv", status=1)
    assert b"3/3" in said


def test_a_pipe_gets_no_progress_bar(cli: Run, tmp_path: Path) -> None:
    write(tmp_path / "in.csv")
    ran = cli("score", "in.csv", "out.csv")
    assert (ran.status, ran.out, ran.err) == (0, "", "30 rows in out.csv\n")
