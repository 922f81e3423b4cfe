"""Measure commands on a million posts: a report, and the first on a file of an earlier version.

    python -m benchmarks.commands [--posts 1000000]

The store is the file that ``benchmarks/insights.py`` filled. A copy of it is turned back into one
of version 2, which the command then brings up to date. Seconds from the start of each to its end,
and the most memory that it had.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.insights import TTL

BACK = """
CREATE TABLE before (
    model_id TEXT NOT NULL, tag TEXT NOT NULL, platform TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (model_id, tag, platform, id),
    FOREIGN KEY (platform, id, model_id) REFERENCES predictions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO before SELECT model_id, tag, platform, id FROM hashtags ORDER BY model_id, tag, id;
DROP TABLE hashtags;
ALTER TABLE before RENAME TO hashtags;
CREATE INDEX hashtags_by_post ON hashtags (platform, id, model_id);
DROP INDEX predictions_by_time;
DROP INDEX predictions_by_author;
CREATE INDEX predictions_by_author ON predictions (
    model_id, platform, coalesce(nullif(author_id, ''), nullif(author_handle, ''))
);
PRAGMA user_version = 2;
"""
KEPT = {"predictions", "hashtags"}


def turn_back(path: Path) -> None:
    """Make a file of version 2 of one of today."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for table in {name for (name,) in found} - KEPT:
            connection.execute(f"DROP TABLE {table}")
        connection.executescript(BACK)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def run(store: Path, *command: str) -> str:
    """What it took."""
    env = os.environ | {
        "SENTISERVE_STORE": f"sqlite:///{store}",
        "SENTISERVE_TTL": str(TTL),
        "SENTISERVE_HISTORY": "off",
    }
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sentiserve.cli.main", *command], env=env, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{command} failed"
    return f"{time.perf_counter() - begin:6.1f} s {usage.ru_maxrss / 1_000:6.0f} MB"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    filled = Path("var", f"insights-{parser.parse_args().posts}.db")
    assert filled.exists(), "fill it by python benchmarks/insights.py first"
    with TemporaryDirectory(dir="var") as directory:
        print("report                        ", run(filled, "report", f"{directory}/report.html"))
        before = Path(directory, "before.db")
        shutil.copy(filled, before)
        turn_back(before)
        print("store stats, file of version 2", run(before, "store", "stats"))
        print("store stats, again            ", run(before, "store", "stats"))


if __name__ == "__main__":
    main()
