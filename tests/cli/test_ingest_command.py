"""``sentiserve ingest``: from a source that another package brings, in processes of their own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from packages import offer_source
from processes import PATIENCE, Ran, Run, environment, eventually

from sentiserve.cli.ingest import _same_for_all
from sentiserve.settings import load_settings

POSTS = 200
PLUGIN = f'''
import asyncio, os
from datetime import UTC, datetime, timedelta
from sentiserve.errors import BudgetExhaustedError, QuotaExhaustedError
from sentiserve.testing.fakes import FakeFeed
from sentiserve.types import Post, PostRef

NOW = datetime.now(UTC)


class Shelf(FakeFeed):
    """Notes what is read in a file, and takes its time: so many seconds after each page."""

    def _page(self, query, place, left):
        with open("reads.txt", "a") as reads:
            reads.write(f"{{place}}\\n")
        if os.environ.get("SHELF_FAILS") == "budget" and place == 50:
            raise BudgetExhaustedError("the shelf is closed until tomorrow")
        if os.environ.get("SHELF_FAILS") == "quota" and place == 50:
            os.environ.pop("SHELF_FAILS")
            raise QuotaExhaustedError("the shelf needs a moment", 1)
        return super()._page(query, place, left)

    async def pages(self, query, cursor=None):
        pauses = os.environ.get("SHELF_PAUSES", "0").split()
        async for page in super().pages(query, cursor):
            await asyncio.sleep(float(pauses[0]))
            pauses = pauses[1:] or pauses
            yield page


def from_settings(settings):
    posts = [
        Post(PostRef("shelf", str(i)), f"book number {{i}}", created_at=NOW - timedelta(hours=i))
        for i in range({POSTS})
    ]
    return Shelf(posts)
'''


@pytest.fixture(autouse=True)
def _shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package brings the source ``shelf``."""
    offer_source(tmp_path / "site", "shelf", PLUGIN, monkeypatch)
    monkeypatch.setenv("SENTISERVE_SOURCES", "archive,shelf")


def run(run_process: Run, *arguments: str | Path, **env: str) -> Ran:
    return run_process("ingest", *arguments, sources="archive,shelf", **env)


def reads(directory: Path) -> list[int]:
    file = directory / "reads.txt"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def in_store() -> str:
    """Where the posts go."""
    return load_settings().shown_store


def kept(directory: Path) -> list[str]:
    """Ids of the rows in the history: one for each time that a post was predicted."""
    files = f"{directory}/data/sentiserve/history/*/*.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT id FROM read_parquet('{files}')").fetchall()
    return [post_id for (post_id,) in rows]


@dataclass
class Running:
    """A command at work."""

    process: "subprocess.Popen[str]"

    def end(self) -> Ran:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ran(self.process.returncode, out, err)


@contextmanager
def started(directory: Path, *arguments: str, pages: int, **env: str) -> Iterator[Running]:
    """A command that has begun to read so many pages."""
    given = {"SENTISERVE_SOURCES": "archive,shelf", **env}
    with subprocess.Popen(
        [sys.executable, "-m", "sentiserve.cli.main", "ingest", *arguments],
        cwd=directory,
        env=environment(directory, given),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            eventually(lambda: len(reads(directory)) >= pages)
            yield Running(process)
        finally:
            process.kill()


def test_the_first_source_that_can_is_read_and_the_next_run_reads_only_what_is_new(
    run_process: Run, tmp_path: Path
) -> None:
    ran = run(run_process, "user", "@ines", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out) == {
        "posts": POSTS, "new": POSTS, "known": 0, "forgotten": 0, "leftOut": 0, "finished": True,
        "store": in_store(),
    }  # fmt: skip
    assert reads(tmp_path) == list(range(0, POSTS, 10))
    assert sorted(kept(tmp_path)) == sorted(map(str, range(POSTS)))

    again = run(run_process, "user", "ines", "--restart", "--limit", "20")
    assert again.err.strip() == f"20 posts: 0 new, 20 known; in {in_store()}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_was_read_and_the_same_command_goes_on(
    run_process: Run, tmp_path: Path, number: signal.Signals
) -> None:
    """No page is read twice, and each post is stored exactly once."""
    with started(tmp_path, "tag", "books", pages=3, SHELF_PAUSES="0 0 1") as running:
        running.process.send_signal(number)
        ran = running.end()
    assert ran.status == 128 + number
    assert "the same command goes on from here" in ran.err
    before = reads(tmp_path)
    assert 3 <= len(before) < POSTS // 10
    assert len(kept(tmp_path)) == 10 * len(before)

    ran = run(run_process, "tag", "books", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["new"] == POSTS - 10 * len(before)
    assert reads(tmp_path) == list(range(0, POSTS, 10))
    assert sorted(kept(tmp_path)) == sorted(map(str, range(POSTS)))


def test_a_second_signal_ends_it_at_once_and_loses_nothing_that_was_stored(
    run_process: Run, tmp_path: Path
) -> None:
    with started(tmp_path, "tag", "books", pages=2, SHELF_PAUSES="0 600") as running:
        running.process.send_signal(signal.SIGINT)
        process = running.process
        assert process.stderr is not None
        assert "once more: at once" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert running.end().status == 130
    assert run(run_process, "tag", "books").status == 0
    assert sorted(set(kept(tmp_path))) == sorted(map(str, range(POSTS)))


def test_a_killed_run_goes_on_after_its_last_page(run_process: Run, tmp_path: Path) -> None:
    with started(tmp_path, "tag", "books", pages=4, SHELF_PAUSES="0 0 0 1") as running:
        eventually(lambda: list(tmp_path.rglob("shelf-tag-*.json")))
        running.process.kill()
        running.end()
    (tmp_path / "reads.txt").unlink()
    ran = run(run_process, "tag", "books")
    assert ran.status == 0, ran.err
    assert reads(tmp_path)[0] > 0
    assert sorted(set(kept(tmp_path))) == sorted(map(str, range(POSTS)))


def test_a_second_run_of_the_same_work_is_refused(run_process: Run, tmp_path: Path) -> None:
    with started(tmp_path, "stream", "books", pages=1, SHELF_PAUSES="600"):
        ran = run(run_process, "stream", "books")
    assert ran.status == 1
    assert "another run is at this work already" in ran.err


def test_a_spent_budget_ends_it_with_a_clear_error_and_the_cursor_stays(
    run_process: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELF_FAILS", "budget")
    ran = run(run_process, "home")
    assert ran.status == 1
    assert "the shelf is closed until tomorrow" in ran.err
    assert "50 posts: 50 new" in ran.err
    monkeypatch.delenv("SHELF_FAILS")
    ran = run(run_process, "home")
    assert "150 posts: 150 new" in ran.err


def test_a_wait_for_a_quota_is_told(run_process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELF_FAILS", "quota")
    ran = run(run_process, "home", "--limit", "60")
    assert ran.status == 0
    assert "waiting 1 s: the shelf needs a moment" in ran.err


def test_a_terminal_sees_how_far_it_is(run_process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere there is no bar, only what it came to."""
    said = run(run_process, "home", "--limit", "20").err
    assert said == f"20 posts: 20 new, 0 known; in {in_store()}\n"
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes a terminal of anything
    monkeypatch.setenv("COLUMNS", "120")
    shown = run(run_process, "home", "--limit", "30").err
    assert "30 posts" in shown
    assert "of 30" in shown
    assert "a second" in shown
    assert shown.endswith(f"20 known; in {in_store()}\n")


def test_a_terminal_sees_how_much_of_a_file_is_left(
    run_process: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    rows = [json.dumps({"id": str(20 + i), "text": f"Tea {i}"}) for i in range(5)]
    (tmp_path / "posts.jsonl").write_text("\n".join(rows))
    assert "of 5 " in run(run_process, "file", "posts.jsonl").err


def test_a_file_is_taken_row_by_row(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("id,text\n1,Lovely.\n2,\n3,Awful.\n")
    ran = cli("ingest", "file", file, "--json")
    assert ran.status == 1
    assert json.loads(ran.out)["new"] == 2
    assert "left out: row 2: the text is empty" in ran.err


def test_urls_come_as_arguments_or_from_stdin(cli: Run, sample: list[dict[str, str]]) -> None:
    first, second, *_ = (row["url"] for row in sample)
    ran = cli("ingest", "url", first, "-", "--json", stdin=f"{second}\n\n{first}\n")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["posts"] == 3
    ran = cli("ingest", "url", first, "nonsense")
    assert ran.status == 1
    assert "1 known" in ran.err
    assert "left out: nonsense: this is no post's URL" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("user", "ines", "--source", "archive"), "a user's posts can't be had from archive; "),
        (("home", "--source", "x"), "SENTISERVE_X_USER_TOKEN"),
        (("user", "ines", "--source", "gopher"), "known: archive"),
        (("user", "@"), "the name is empty"),
        (("tag", "books", "--since", "yesterday"), "30m, 2h, 7d or 4w"),
        (("tag", "books", "--since", "2999-01-01"), "still to come"),
        (("file", "nowhere.csv"), "nowhere.csv: no such file"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_says_what_to_do(
    cli: Run, arguments: tuple[str, ...], says: str
) -> None:
    ran = cli("ingest", *arguments)
    assert ran.status == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_what_cannot_begin_does_not_claim_to_go_on(cli: Run) -> None:
    ran = cli("ingest", "file", "nowhere.csv")
    assert "nowhere.csv" in ran.err
    assert "goes on from here" not in ran.err
    assert "0 posts" not in ran.err


def test_nothing_that_a_terminal_would_obey_is_printed(cli: Run, tmp_path: Path) -> None:
    ran = cli("ingest", "url", "https://x.com/\x1b[31m\x9b2J")
    assert r"left out: https://x.com/\x1b[31m\x9b2J" in ran.err
    assert "\x1b" not in ran.err


def test_a_handle_is_the_same_in_capitals() -> None:
    assert _same_for_all("x", ("Ines",)) == _same_for_all("x", ("iNES",))
    assert _same_for_all("shelf", ("Ines",)) == ("Ines",)
