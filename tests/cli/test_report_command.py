"""``sentiserve report``."""

import asyncio
import json
from pathlib import Path

import pytest
from processes import Run, StartService, on_terminal

from sentiserve.models.bundle import default_bundle, read_manifest
from sentiserve.store.sqlite import SqliteStore
from sentiserve.tables import sample_archive
from sentiserve.testing import example_prediction

MODEL = read_manifest(default_bundle()).model_id
DEFAULT = "sentiserve-report.html"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with three posts of the bundled model, in the folder where commands run."""

    async def fill() -> None:
        opened = SqliteStore(tmp_path / "filled.db", ttl=86_400)
        await opened.open()
        await opened.put(
            [
                example_prediction(str(i), text=f"#Sun {i}", author_id="7", author_handle="anna",
                                   model_id=MODEL)
                for i in range(3)
            ]
        )  # fmt: skip
        await opened.close()

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/filled.db"


def test_a_report_is_one_file(cli: Run, store: str, tmp_path: Path) -> None:
    """Written whole, with a line that says so; the next one takes its place."""
    for _ in range(2):
        ran = cli("report", "--store", store)
        assert (ran.status, ran.out, ran.err) == (0, "", f"3 posts in {DEFAULT}\n")
    html = (tmp_path / DEFAULT).read_text()
    assert html.startswith("<!doctype html>")
    assert "Sentiment of #sun" in html
    assert [path.name for path in tmp_path.glob("*report*")] == [DEFAULT]
    assert list(tmp_path.glob(".*report*")) == []


def test_a_name_or_standard_output(cli: Run, store: str, tmp_path: Path) -> None:
    """And with a choice of hashtags, and without texts."""
    assert cli("report", "mine.html", "--store", store).status == 0
    assert (tmp_path / "mine.html").exists()
    ran = cli("report", "-", "--hashtag", "rain", "--no-texts", "--store", store)
    assert ran.out.startswith("<!doctype html>")
    assert "Sentiment of #rain" in ran.out
    assert "#Sun 1" not in ran.out
    assert ran.err == ""
    assert not (tmp_path / DEFAULT).exists()


def test_machines_get_json(cli: Run, store: str, tmp_path: Path) -> None:
    """On standard output, or in a file if one is named."""
    told = json.loads(cli("report", "--json", "--store", store).out)
    assert told["posts"] == 3
    assert told["tags"]["sun"]["posts"] == 3
    assert cli("report", "mine.json", "--json", "--store", store).status == 0
    assert json.loads((tmp_path / "mine.json").read_text())["posts"] == 3


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_texts_that_others_may_not_have_are_left_out(
    cli: Run, store: str, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    """What holds for answers holds for a file that is sent, even if texts are asked for."""
    asked = ("report", "-", "--texts", *form, "--store", store)
    assert "#Sun 1" in cli(*asked).out
    monkeypatch.setenv("SENTISERVE_RETURN_TEXT", "own")
    told = cli(*asked).out
    assert "anna" in told
    assert "#Sun 1" not in told


def test_drift_alone_is_printed(cli: Run, store: str, tmp_path: Path) -> None:
    """With what could not be compared, and why; no file is written."""
    ran = cli("report", "--drift", "--store", store)
    assert ran.status == 0
    assert "too few posts yet (3 of 200)" in " ".join(ran.out.split())
    told = json.loads(cli("report", "--drift", "--json", "--store", store).out)
    assert (told["model"], told["posts"], told["drifted"]) == (MODEL, 3, [])
    assert not (tmp_path / DEFAULT).exists()
    assert cli("report", "a.html", "--drift", "--store", store).status == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("notes.txt",), "notes.txt exists and is no report; choose another name or add"),
        (("folder",), "folder is a directory; name a file"),
        (("missing/report.html",), "there is no directory missing; make it first"),
        (("--since", "soon"), "'soon' is no time"),
        (("--hashtag", ""), "--hashtag is empty"),
        (("--hashtag", "sun", "--hashtag", "# "), "--hashtag is empty"),
        (("--model", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    cli: Run, store: str, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    """And nothing is written."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    ran = cli("report", *arguments, "--store", store)
    assert ran.status == 1
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / DEFAULT).exists()


def test_something_else_is_replaced_only_if_that_is_said(
    cli: Run, store: str, tmp_path: Path
) -> None:
    """With --overwrite."""
    (tmp_path / "notes.txt").write_text("mine")
    assert cli("report", "notes.txt", "--overwrite", "--store", store).status == 0
    assert (tmp_path / "notes.txt").read_text().startswith("<!doctype html>")


def test_an_earlier_report_stays_if_the_next_fails(
    cli: Run, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say, leaves the old file as it was and no half of a new one."""
    assert cli("report", "--store", store).status == 0
    before = (tmp_path / DEFAULT).read_bytes()

    def full(self: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    ran = cli("report", "--store", store)
    assert ran.status == 1
    assert "No space left on device" in ran.err
    assert (tmp_path / DEFAULT).read_bytes() == before


def test_there_must_be_a_store(cli: Run, tmp_path: Path) -> None:
    """None is made by looking at it."""
    ran = cli("report", "-", "--store", f"sqlite:///{tmp_path}/none.db")
    assert ran.status == 1
    assert "there is no store at" in ran.err
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("form", [(), ("--json",), ("--drift",)])
def test_memory_can_tell_nothing(cli: Run, form: tuple[str, ...]) -> None:
    """A report of this process's own memory would be empty for good."""
    ran = cli("report", *form, "--store", "memory://")
    assert (ran.status, ran.out) == (1, "")
    assert "memory:// holds nothing of other commands" in ran.err


def test_an_empty_store_says_what_to_do(cli: Run, store: str, tmp_path: Path) -> None:
    """In the report."""
    assert cli("store", "clear", "--yes", "--store", store, history="off").status == 0
    assert "sentiserve ingest file posts.jsonl" in cli("report", "-", "--store", store).out


def test_one_post_is_not_called_several(cli: Run, tmp_path: Path) -> None:
    """By what takes it in, nor by what reports of it."""
    (tmp_path / "one.jsonl").write_text('{"platform": "x", "id": "1", "text": "Hello"}\n')
    store = f"sqlite:///{tmp_path}/one.db"
    taken = cli("ingest", "file", str(tmp_path / "one.jsonl"), "--store", store)
    assert "1 post: 1 new" in taken.err
    made = cli("report", str(tmp_path / "one.html"), "--store", store)
    assert made.err.startswith("1 post in ")


def test_a_terminal_sees_what_it_waits_for(store: str, tmp_path: Path) -> None:
    """And what was made."""
    said = on_terminal("report", "out.html", "--store", store)
    assert b"3 posts in out.html" in said


def test_the_service_may_run_meanwhile(
    start_service: StartService, run_process: Run, tmp_path: Path
) -> None:
    """Both look at the same store."""
    store = f"sqlite:///{tmp_path}/shared.db"
    service = start_service(store=store)
    url = json.loads(sample_archive().read_text().splitlines()[0])["url"]
    assert service.client.get("/v1/inference", params={"tweetUrl": url}).is_success
    ran = run_process("report", "-", "--json", "--store", store)
    while json.loads(ran.out)["posts"] == 0:  # it is written in the background
        ran = run_process("report", "-", "--json", "--store", store)
    assert json.loads(ran.out)["hashtags"][0]["hashtag"] == "coffee"
