"""Ingest posts from a fake of X that fails at random, stopped and resumed twice on the way.

    python benchmarks/ingest.py [--posts 10000] [--faults 0.2] [--seed 1]

``sentiserve ingest tag`` runs in processes of its own; after one and after two thirds of the pages
it gets SIGINT, and the same command goes on. X's limits of requests are the real ones; stalls end
early, for the command waits a few seconds only. The exit status is 1 unless each post is once in
the store, once in the history, and came with as few answers as X's rules allow.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sentiserve.testing.server import Fault, at_random
from sentiserve.testing.x_server import XPost, XServer, id_at

PAGE = 100  # posts; X gives no more with one answer
PAUSE = 0.01  # seconds between two looks
PATIENCE = 600.0  # seconds
TIMEOUT = 4.0  # seconds for an answer with all tries
USERS = {str(number): f"person{number}" for number in range(1, 51)}
THINGS = ["The tea here", "My second cup", "This kettle", "Green tea", "The new blend", "Tea time"]
VERDICTS = ["is wonderful", "was a disaster", "is all right", "made my day", "tastes of soap"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What it took.

    Attributes:
        asked: requests that X got.
        spoilt: answers that were of no use, by what was wrong with them.
        billed: posts that X counts as read, each as often as it gave it.
        distinct: different posts of these; X bills a post once a day, as a rule.
        counted: reads that the budget was charged with.
        stored: rows of the store, and different posts of them.
        archived: the same in the history.
        new: posts that each run predicted.
        seconds: that each run took.
    """

    asked: int
    spoilt: Counter[Fault]
    billed: int
    distinct: int
    counted: int
    stored: tuple[int, int]
    archived: tuple[int, int]
    new: list[int]
    seconds: list[float]

    @property
    def whole(self) -> int:
        """Answers that came whole."""
        return self.asked - self.spoilt.total()


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--faults", type=float, default=0.2, help="share of the answers")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    arguments = parser.parse_args()
    with TemporaryDirectory() as directory:
        figures = ingest(Path(directory), arguments.posts, arguments.faults, arguments.seed)
    report(figures)
    sys.exit("it is not as it should be" if not holds(figures, arguments.posts) else 0)


def ingest(directory: Path, posts: int, faults: float, seed: int) -> Figures:
    """Have all posts ingested, by three runs."""
    with XServer(invented(posts), USERS) as server:
        spoilt = spoil(server, faults, seed)
        new, seconds = [], []
        for stop_after in (posts // PAGE // 3, 2 * posts // PAGE // 3, None):
            begin = time.perf_counter()
            new.append(run(directory, server, stop_after)["new"])
            seconds.append(time.perf_counter() - begin)
        return Figures(
            asked=len(server.requests),
            spoilt=spoilt,
            billed=server.reads.total(),
            distinct=len(server.reads),
            counted=int((directory / "sentiserve" / "x" / "reads").read_text().split()[1]),
            stored=stored(directory / "sentiserve" / "store.db"),
            archived=archived(directory / "sentiserve" / "history"),
            new=new,
            seconds=seconds,
        )


def invented(count: int) -> list[XPost]:
    """Posts of the last days, with a hashtag."""
    chance, now = random.Random(1), datetime.now(UTC)
    return [
        XPost(
            id_at(now - timedelta(seconds=60 + 30 * number)),
            chance.choice(list(USERS)),
            f"{chance.choice(THINGS)} {chance.choice(VERDICTS)}, says cup {number} #tea",
        )
        for number in range(count)
    ]


def spoil(server: XServer, rate: float, seed: int) -> Counter[Fault]:
    """Have answers go wrong at random; the count of those that are of no use."""
    draw = at_random(seed, rate, list(Fault))
    spoilt: Counter[Fault] = Counter()

    def fault(path: str) -> Fault | None:
        drawn = draw(path)
        if drawn not in (None, Fault.DRIPPED):  # which only takes its time
            spoilt[drawn] += 1
        return drawn

    server.faults = fault
    return spoilt


def run(directory: Path, server: XServer, stop_after: int | None) -> dict[str, Any]:
    """One run, stopped when so many answers have been asked for; what it says in the end."""
    own = {
        "XDG_DATA_HOME": str(directory),
        "XDG_STATE_HOME": str(directory),
        "SENTISERVE_SOURCES": "x",
        "SENTISERVE_X_URL": server.url,
        "SENTISERVE_X_BEARER_TOKEN": "app-token",
        "SENTISERVE_X_DAILY_READS": "1000000",
        "SENTISERVE_SOURCE_TIMEOUT": str(TIMEOUT),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "sentiserve.cli.main", "ingest", "tag", "tea", "--json"],
        cwd=directory,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if stop_after is not None:
            while len(server.requests) < stop_after and process.poll() is None:
                time.sleep(PAUSE)
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    expected = 0 if stop_after is None else 128 + signal.SIGINT
    if process.returncode != expected:
        sys.exit(f"the command ended with {process.returncode} in place of {expected}")
    said: dict[str, Any] = json.loads(out)
    return said


def stored(path: Path) -> tuple[int, int]:
    """Rows of the store, and different posts."""
    with closing(sqlite3.connect(path)) as store:
        rows, posts = store.execute(
            "SELECT count(*), count(DISTINCT id) FROM predictions WHERE platform = 'x'"
        ).fetchone()
    return rows, posts


def archived(path: Path) -> tuple[int, int]:
    """Rows of the history, and different posts."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), count(DISTINCT id) FROM read_parquet(?)", [f"{path}/*/*.parquet"]
        ).fetchone()
    return found or (0, 0)


def holds(figures: Figures, posts: int) -> bool:
    """Whether each post is kept once, and nothing was asked for in vain."""
    once = (posts, posts)
    pages = -(-posts // PAGE)
    kept = figures.stored == once and figures.archived == once and sum(figures.new) == posts
    broken_off = PAGE * figures.spoilt[Fault.TRUNCATED]
    return (
        kept
        and figures.whole == pages
        and figures.distinct == posts
        and figures.billed <= posts + broken_off
    )


def report(figures: Figures) -> None:
    """Print the figures."""
    broken = ", ".join(f"{count} x {fault.value}" for fault, count in figures.spoilt.items())
    print(f"in the store:            {figures.stored[0]:,} rows of {figures.stored[1]:,} posts")
    print(f"in the history:          {figures.archived[0]:,} rows of {figures.archived[1]:,} posts")
    print(f"new in each run:         {', '.join(f'{new:,}' for new in figures.new)}")
    print(f"requests:                {figures.asked:,}, of which {figures.whole:,} answered whole")
    print(f"spoilt:                  {broken}")
    print(f"reads that X counts:     {figures.billed:,} of {figures.distinct:,} posts")
    print(f"reads that we count:     {figures.counted:,}")
    print(f"seconds:                 {', '.join(f'{each:.1f}' for each in figures.seconds)}")


if __name__ == "__main__":
    main()
