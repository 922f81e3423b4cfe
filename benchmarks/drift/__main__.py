"""How often drift is told where there is none, and how soon where there is.

    python -m benchmarks.drift dev.tsv --more train.tsv --language /usr/share/games/fortunes/es

Takes labelled posts that the model was not trained on, further posts of the same kind, and posts in
another language: tables with a column ``text``, or directories of fortunes (Debian's
``fortunes-es``, say).
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.drift.posts import Known, read_posts
from benchmarks.drift.trials import FalseAlarms, Found, Stream, Trial, of_texts, swapped
from sentiserve.cli.console import table
from sentiserve.insights import figures
from sentiserve.insights.drift import WINDOW
from sentiserve.models.labelled import read_labelled
from sentiserve.profile import Kind

TOPICS = {
    "football": r"football|soccer|premier league|chelsea|arsenal|\bnfl\b|touchdown|quarterback",
    "politics": r"trump|obama|romney|republican|democrat|president|senate",
    "music": r"album|song|concert|\btour\b|gaga|beyonc|kanye",
    "phones": r"apple|iphone|microsoft|google|amazon|android|windows",
}
_ALL = tuple(Kind)


def main() -> None:
    """Measure, print the figures, and keep them and the pictures where they are wanted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--more", type=Path, required=True)
    parser.add_argument("--language", type=Path, nargs="*", default=[])
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--out", type=Path, help="JSON with all figures")
    parser.add_argument("--pictures", type=Path, help="directory for a picture of each stream")
    wanted = parser.parse_args()
    data, more = read_labelled(wanted.held_out), read_posts(wanted.more)
    trial = Trial(Known(), data.texts, data.labels, wanted.seed)
    alarms = [*false_alarms(trial, more, wanted.windows)]
    print_alarms(alarms)
    found = []
    for stream in streams(trial.known, more, wanted.language):
        found.append(trial.stream(stream, wanted.trials))
        if wanted.pictures and found[-1].window:
            picture = figures.drift(found[-1].window).svg(ground=True)
            (wanted.pictures / f"drift-{stream.key}.svg").write_text(picture + "\n")
    print_found(found)
    if wanted.out:
        said = {
            "seed": wanted.seed,
            "false_alarms": [asdict(row) for row in alarms],
            "found": [{**asdict(row), "window": None} for row in found],
        }
        wanted.out.write_text(json.dumps(said, indent=2) + "\n")


def false_alarms(trial: Trial, more: Sequence[str], windows: int) -> Iterator[FalseAlarms]:
    """Of small windows and of large ones, each kind."""
    half = len(trial.texts) // 2
    for size in (200, half):
        yield trial.resampled(windows, size)
    for size in (200, half):
        yield trial.unseen(windows, size)
    for size in (200, WINDOW):
        yield trial.more(windows, size, more)


def streams(known: Known, more: Sequence[str], languages: Sequence[Path]) -> Iterator[Stream]:
    """Other languages, other topics, swapped labels: each wholly, and in part."""
    for path in languages:
        others = of_texts(known, read_posts(path))
        for share in (1.0, 0.2):
            yield Stream("language", path.name, share, others, _ALL)
    for topic, pattern in TOPICS.items():
        others = of_texts(known, [t for t in more if re.search(pattern, t, re.IGNORECASE)])
        for share in (1.0, 0.5):
            yield Stream("topic", topic, share, others, (Kind.INPUT,))  # the model knows them
    for share in (1.0, 0.3):
        yield Stream("labels", "swapped", share, swapped, (Kind.CONCEPT,))


def print_alarms(rows: Sequence[FalseAlarms]) -> None:
    """A row for each kind of window."""
    columns = ["posts", "windows", "alarms", "largest effect"]
    table(
        ["windows of", *columns],
        [[r.windows_of, r.posts, r.windows, r.alarms, r.largest_effect] for r in rows],
        right=columns,
    )


def print_found(rows: Sequence[Found]) -> None:
    """A row for each stream."""
    columns = ["share", "found", "posts, median", "posts, most"]
    table(
        ["stream", *columns, "by"],
        [
            [r.stream, f"{r.share:.0%}", f"{r.found} of {r.trials}", f"{r.median:.0f}", r.most,
             ", ".join(r.features)]
            for r in rows
        ],
        right=columns,
    )  # fmt: skip


if __name__ == "__main__":
    main()
