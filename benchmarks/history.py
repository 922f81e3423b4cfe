"""Join a seeded history to a spine, each time in a process of its own: seconds and memory.

Seconds are those of the whole process, its start and imports included; medians of the rounds.

    python benchmarks/history.py [--records 1000000] [--spine 100000] [--rounds 5]

A third of the records repeat a post, a tenth arrive up to ten days late, a fifth are predicted up
to twenty days after the post was seen; times are spread over ninety days, the spine's over
a hundred. Four posts in ten have hashtags, some of which are far more common than others.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb

from sentiserve.features.views import VIEWS
from sentiserve.history.history import History

LABELS = ("negative", "neutral", "positive")
MODEL = "benchmark"
RECORDS = """
CREATE TABLE records AS
WITH drawn AS (
    SELECT i, CASE WHEN random() < 0.3 THEN CAST(random() * {posts} AS BIGINT) ELSE i END AS post,
        random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
    FROM range({n}) t(i)
), seen AS (
    SELECT *, 'author-' || hash(post, 1) % {authors} AS who, TIMESTAMPTZ '2026-01-01' +
        to_microseconds(CAST(hash(post, 2) % 7776000000000 AS BIGINT)) AS seen_at FROM drawn
), predicted AS (
    SELECT *, seen_at + to_seconds(c * CASE WHEN d < 0.2 THEN 1728000 ELSE 60 END) AS made FROM seen
)
SELECT 'x' AS platform, CAST(1900000000000000000 + post AS VARCHAR) AS id,
    '{model}' AS model_id, 'Some words of a post, number ' || i AS text, NULL::VARCHAR AS url,
    who AS author_id, NULL::VARCHAR AS author_handle, who AS author,
    CASE WHEN hash(post, 3) % 10 < 4 THEN ['tag' || CAST(pow(1000, e) AS INTEGER)]
        ELSE []::VARCHAR[] END AS hashtags,
    seen_at AS created_at, seen_at,
    CASE WHEN a < 0.3 THEN 'negative' WHEN a < 0.6 THEN 'neutral' ELSE 'positive' END AS label,
    a / 2 AS score_negative, b / 4 AS score_neutral, 1 - a / 2 - b / 4 AS score_positive,
    false AS truncated, made AS event_timestamp,
    made + to_seconds(CASE WHEN b < 0.1 THEN a * 864000 ELSE a END) AS created_timestamp
FROM predicted ORDER BY made
"""
SPINE = """
COPY (SELECT TIMESTAMPTZ '2026-01-01' + to_seconds(random() * 8640000) AS event_timestamp,
    platform, id, author, coalesce(hashtags[1], 'none') AS hashtag
    FROM records USING SAMPLE reservoir({n} ROWS) REPEATABLE (1)) TO '{path}'
"""


def make(place: Path, records: int, spine: int) -> None:
    """Write a history, a file for each day, and a spine."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1; SELECT setseed(0.5)")
        sizes = {"n": records, "posts": records * 7 // 10, "authors": records // 50}
        connection.execute(RECORDS.format(model=MODEL, **sizes))
        connection.execute(
            "COPY (SELECT *, CAST(event_timestamp AS DATE) AS date FROM records) "
            f"TO '{place / 'history'}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date))"
        )
        connection.execute(SPINE.format(n=spine, path=place / "spine.parquet"))


def join(place: Path, views: list[str]) -> None:
    """Write a training set; print rows, seconds of CPU and the peak of memory."""
    history = History(place / "history")
    work = history.training_set(
        place / "spine.parquet", place / "out.parquet", views, MODEL, LABELS, timedelta(days=60)
    )
    rows = asyncio.run(work)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1000  # ru_maxrss has the parent's too
    print(
        f"{', '.join(views)}: {rows:,} rows, {usage.ru_utime + usage.ru_stime:.1f} s of CPU, "
        f"{peak:.0f} MB, ",
        end="",
        flush=True,
    )


def timed(place: Path, views: list[str]) -> float:
    """Seconds for a training set, from the process's start to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--join", place, *views], check=True)
    seconds = time.perf_counter() - started
    print(f"{seconds:.2f} s")
    return seconds


def main() -> None:
    """Make the data, and join it twice: to posts alone, and to all three views."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--spine", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--join", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.join:
        join(Path(arguments.join[0]), arguments.join[1:])
        return
    with tempfile.TemporaryDirectory() as place:
        make(Path(place), arguments.records, arguments.spine)
        for views in (["post_sentiment"], list(VIEWS)):
            seconds = [timed(Path(place), views) for _ in range(arguments.rounds)]
            print(
                f"{', '.join(views)}: median {median(seconds):.2f} s, at best {min(seconds):.2f} s"
            )


if __name__ == "__main__":
    main()
