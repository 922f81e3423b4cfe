"""Try the exported Feast repository with Feast itself: its answers must be ours.

    python benchmarks/feast_agreement.py PYTHON

PYTHON is the interpreter of an environment of its own with Feast in it (``pip install
'feast[duckdb]'``). A seeded history with late, repeated, expired and moved posts is exported,
``feast apply`` run, and ``get_historical_features`` compared with a training set over the same
spine. Exit status 1 if they differ.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from sentiserve.features.views import VIEWS
from sentiserve.history.history import History
from sentiserve.records import Record
from sentiserve.types import Post, PostRef, Prediction, Sentiment

LABELS = ("negative", "neutral", "positive")
MODEL = "trial"
TTL = timedelta(days=20)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ASK = """
import json, sys
import feast, pandas as pd
spine = pd.read_json(sys.argv[1], lines=True, dtype=str, convert_dates=["event_timestamp"])
spine["event_timestamp"] = pd.to_datetime(spine["event_timestamp"], utc=True)
store = feast.FeatureStore(".")
features = [f"{view.name}:{field.name}" for view in store.list_feature_views()
            for field in view.features]
found = store.get_historical_features(spine, features, full_feature_names=True).to_df()
found = found.sort_values("row").drop(columns=["event_timestamp"])
found.to_json(sys.argv[2], orient="records", lines=True, double_precision=15)
print(feast.__version__)
"""


def main() -> int:
    """Compare; the exit status."""
    python = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        ours, theirs, version = answers(Path(place), python)
    found = {row["row"]: row for row in theirs}
    different = [row for row in ours if not same(row, found.get(row["row"], {}))]
    print(f"Feast {version}: {len(theirs)} of {len(ours)} rows, {len(different)} different")
    for row in different[:3]:
        print(row, found.get(row["row"]), sep="\n")
    return bool(different)


def answers(place: Path, python: Path) -> tuple[list[Any], list[Any], str]:
    """Our rows, Feast's rows, and Feast's version."""
    chance = random.Random(7)
    history = History(place / "history")
    segment = place / "segment.ndjson"
    segment.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in records(chance)))
    spine = place / "spine.jsonl"
    spine.write_text("".join(json.dumps(row) + "\n" for row in rows(chance)), "utf-8")
    out, repository = place / "out.jsonl", place / "repository"

    async def work() -> None:
        await history.keep(segment)
        await history.training_set(spine, out, list(VIEWS), MODEL, LABELS, TTL)
        await history.export_feast(repository, MODEL, LABELS, TTL)

    asyncio.run(work())
    found = place / "found.jsonl"
    for command in (
        [str(python), "-m", "feast.cli.cli", "apply"],
        [str(python), "-c", ASK, str(spine), str(found)],
    ):
        ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise SystemExit(ran.stdout + ran.stderr)
    version = ran.stdout.split()[-1]
    return read(out), read(found), version


def records(chance: random.Random) -> Iterator[Record]:
    """Late, repeated and out of order, on a grid of times, so that many coincide."""
    for _ in range(400):
        at = START + chance.randrange(40) * DAY / 2
        taken = at + chance.choice([0, 0, 0, 1, 5, 25]) * DAY
        author = chance.choice(["a", "b", "c", "d", None])
        post = Post(
            PostRef("x", f"{chance.randrange(150)}"),
            chance.choice(["none", "#sun", "#rain #sun", "#Rain"]),
            author_id=author,
            created_at=chance.choice([None, at - chance.randrange(12) * DAY]),
        )
        weights = [chance.random() for _ in LABELS]
        scores = {name: weight / sum(weights) for name, weight in zip(LABELS, weights, strict=True)}
        yield Record.of(Prediction(post, Sentiment(scores), MODEL, at), taken)


def rows(chance: random.Random) -> Iterator[dict[str, Any]]:
    """A spine whose every entity is in the history: of others Feast counts null, and we 0."""
    for row in range(500):
        at = START + chance.randrange(-4, 140) * DAY / 2
        yield {
            "row": f"{row:04}",
            "event_timestamp": at.isoformat(),
            "platform": "x",
            "id": f"{chance.randrange(150)}",
            "author": chance.choice("abcd"),
            "hashtag": chance.choice(["sun", "rain"]),
        }


def read(path: Path) -> list[dict[str, Any]]:
    """Rows, without what only a spine has."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [{k: v for k, v in row.items() if "__" in k or k == "row"} for row in rows]


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether two rows are alike, as floats are."""
    return ours.keys() == theirs.keys() and all(
        abs(value - theirs[name]) < 1e-9
        if isinstance(value, float) and theirs[name] is not None
        else value == theirs[name]
        for name, value in ours.items()
    )


if __name__ == "__main__":
    sys.exit(main())
