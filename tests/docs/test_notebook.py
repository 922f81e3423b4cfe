"""The tutorial: every cell runs, and its outputs are those that are kept with it."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from processes import PATIENCE, environment
from svgs import parsed, strangers, texts

from sentiserve.tables import sample_archive

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "tutorial.ipynb"
HOSTILE = "<script>alert(1)</script>"
PICTURE = "image/svg+xml"


def read(path: Path = NOTEBOOK) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def ran(notebook: Any, folder: Path) -> Any:
    """The notebook as it is after its run in a folder, by somebody without settings."""
    file = folder / "notebook.ipynb"
    nbformat.write(notebook, file)  # type: ignore[no-untyped-call]
    own = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "HOME")
    with TemporaryDirectory() as home:
        done = subprocess.run(
            [Path(sys.executable).with_name("jupyter-execute"), "--inplace", file],
            cwd=folder,
            env=environment(folder, dict.fromkeys(own, home)),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return read(file)


def pictures(notebook: Any) -> list[str]:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.data[PICTURE] for output in outputs if PICTURE in output.get("data", {})]


def titles(notebook: Any) -> list[str]:
    return [parsed(picture)[0].text or "" for picture in pictures(notebook)]


def test_every_cell_runs_and_says_what_is_kept(tmp_path: Path) -> None:
    """Scores may differ in the last digit from machine to machine; what is shown may not."""
    kept = read()
    notebook = ran(kept, tmp_path)
    kinds = [[output.output_type for output in cell.get("outputs", [])] for cell in notebook.cells]
    assert kinds == [
        [output.output_type for output in cell.get("outputs", [])] for cell in kept.cells
    ]
    assert "stderr" not in json.dumps(notebook)
    assert titles(notebook) == titles(kept)
    assert titles(kept)[:2] == ["Sentiment of the most active authors", "Sentiment of #bitcoin"]
    assert [left.name for left in tmp_path.iterdir()] == ["notebook.ipynb"]


def test_what_is_kept_names_no_machine() -> None:
    """No path, no times, and no more of the kernel than its language."""
    kept = read()
    nbformat.validate(kept)
    assert set(kept.metadata) == {"kernelspec", "language_info"}
    for word in ("/tmp", "/home", "/root", "/work", "/usr", "site-packages"):
        assert word not in NOTEBOOK.read_text()
    assert all(cell.metadata == {} for cell in kept.cells)


def test_script_in_names_is_shown_as_text(tmp_path: Path) -> None:
    """Somebody's name is text in the pictures, as it is in the page and the report."""
    row = {"platform": "x", "author_id": "1", "author_handle": HOSTILE, "text": "Hello!"}
    rows = [row | {"id": str(10_000 + i)} for i in range(60)]
    archive = tmp_path / "hostile.jsonl"
    lines = [*sample_archive().read_text().splitlines(), *map(json.dumps, rows)]
    archive.write_text("\n".join(lines) + "\n")
    notebook = read()
    for cell in notebook.cells:
        cell.source = cell.source.replace("sample_archive()", f"pathlib.Path({str(archive)!r})")
        cell.source = cell.source.replace("from tempfile", "import pathlib\nfrom tempfile")
    notebook = ran(notebook, tmp_path)
    authors = parsed(pictures(notebook)[0])
    assert list(strangers(authors)) == []
    assert any(text.startswith(HOSTILE[:10]) for text in texts(authors))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert "text/html" not in output.get("data", {})
