"""``sentiserve score``: a whole file, row by row."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from processes import Run
from tables.x_archives import ACCOUNT, script, wrapped, zipped

import sentiserve

Rows = list[dict[str, Any]]
TEXTS = ["What a lovely day", "Never again.", "The shop opens at nine.", 'She said "no", twice.']
ROWS: Rows = [{"id": str(i), "text": text, "lang": "en"} for i, text in enumerate(TEXTS)]
ADDED = ("label", "negative", "neutral", "positive", "model")


def write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: Path) -> Rows:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_jsonl(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_jsonl(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_parquet(path: Path, rows: Rows) -> None:
    lines = path.with_suffix(".rows.jsonl")
    write_jsonl(lines, rows)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT id::VARCHAR id, text, lang FROM '{lines}') TO '{path}' (FORMAT parquet)"
        )
    lines.unlink()


def read_parquet(path: Path) -> Rows:
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM '{path}'")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


KINDS: dict[str, tuple[Callable[[Path, Rows], None], Callable[[Path], Rows]]] = {
    "csv": (write_csv, read_csv),
    "jsonl": (write_jsonl, read_jsonl),
    "parquet": (write_parquet, read_parquet),
}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("csv", "csv"), ("jsonl", "jsonl"), ("parquet", "parquet"), ("csv", "jsonl")],
)
def test_every_row_comes_back_in_its_place_with_its_sentiment(
    cli: Run, tmp_path: Path, given: str, wanted: str
) -> None:
    source, target = tmp_path / f"in.{given}", tmp_path / f"out.{wanted}"
    KINDS[given][0](source, ROWS)

    ran = cli("score", source, target)

    assert (ran.status, ran.out) == (0, "")
    assert ran.err.replace("\n", "") == f"4 rows in {target}"
    model = sentiserve.load_model()
    rows = KINDS[wanted][1](target)
    assert [{name: str(row[name]) for name in ROWS[0]} for row in rows] == ROWS
    for row, sentiment in zip(rows, model.predict(TEXTS), strict=True):
        assert tuple(row)[3:] == ADDED
        assert (row["label"], row["model"]) == (sentiment.label, model.info.id)
        assert {label: float(row[label]) for label in sentiment.scores} == pytest.approx(
            dict(sentiment.scores), abs=1e-5
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]


def test_a_broken_row_keeps_its_place_and_says_why(cli: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = ['{"text": "Good."}', '{"text": broken', '{"text": " "}', '{"other": 1}', '[1, "x"]']
    source.write_text("\n".join([*lines, '{"text": "Good again."}']) + "\n")

    ran = cli("score", source, target)

    assert ran.status == 1
    assert "4 rows could not be scored; see the column error" in ran.err
    first, *broken, last = read_jsonl(target)
    assert (first["text"], last["text"]) == ("Good.", "Good again.")
    assert first["label"]
    assert last["label"]
    assert (first["error"], last["error"]) == (None, None)
    for number, (row, reason) in enumerate(
        zip(broken, ["JSON", "empty", "string", "JSON"], strict=True), start=2
    ):
        assert row["label"] is None
        assert row["error"].startswith(f"row {number}: ")
        assert reason in row["error"]


def test_a_row_of_the_wrong_length_does_not_shift_the_others(cli: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("id,text\n1,One.\n2,Two,too many\n3\n4,Four.\n")
    assert cli("score", source, target).status == 1
    rows = read_csv(target)
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [bool(row["label"]) for row in rows] == [True, False, False, True]
    assert [bool(row["error"]) for row in rows] == [False, True, True, False]


def test_an_archive_of_x_is_scored_as_it_is(cli: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "archive.zip", tmp_path / "scored.csv"
    zipped(
        source,
        {
            "data/account.js": script(ACCOUNT, name="account"),
            "data/tweets-part1.js": script(wrapped("22", "Never again."), part=1),
            "data/tweets.js": script(wrapped("20", "A lovely day &lt;3"), '{"tweet": oops}'),
        },
    )
    ran = cli("score", source, target)
    assert ran.status == 1
    assert "1 rows could not be scored" in ran.err
    first, broken, last = read_csv(target)
    assert (first["id"], first["text"], first["label"]) == ("20", "A lovely day <3", "positive")
    assert first["author_handle"] == "ben_example"
    assert "row 2: data/tweets.js, element 2: not JSON" in broken["error"]
    assert (last["id"], last["label"]) == ("22", "negative")


def test_a_damaged_archive_is_refused_before_any_work(cli: Run, tmp_path: Path) -> None:
    source = zipped(tmp_path / "archive.zip", {"data/tweets.js": script(wrapped("20", "a" * 99))})
    whole = source.read_bytes()
    source.write_bytes(whole[:50] + bytes(9) + whole[59:])
    ran = cli("score", source, tmp_path / "scored.csv")
    assert ran.status == 1
    assert f"{source}: no zip file, or a damaged one: " in ran.err.replace("\n", "")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["archive.zip"]


def test_an_output_that_exists_is_refused_and_left_alone(cli: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    write_csv(source, ROWS)
    target.write_text("precious")
    ran = cli("score", source, target)
    assert ran.status == 1
    assert "--overwrite" in ran.err
    assert target.read_text() == "precious"

    assert cli("score", source, target, "--overwrite").status == 0
    assert len(read_csv(target)) == len(ROWS)


def test_a_column_that_is_there_already_needs_a_prefix(cli: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    write_csv(source, [row | {"label": "mine"} for row in ROWS])
    ran = cli("score", source, target)
    assert ran.status == 1
    assert "'label'" in ran.err
    assert "--prefix" in ran.err
    assert not target.exists()

    assert cli("score", source, target, "--prefix", "predicted_").status == 0
    rows = read_csv(target)
    assert [row["label"] for row in rows] == ["mine"] * len(ROWS)
    assert all(row["predicted_label"] for row in rows)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("in.csv", "out.xlsx", "out.xlsx: the name must end in one of .jsonl .csv .parquet"),
        ("in.csv", "out", ".jsonl .csv .parquet"),
        ("in.xlsx", "out.csv", "in.xlsx"),
        ("nowhere.csv", "out.csv", "nowhere.csv: no such file"),
        ("in.csv", "no/such/directory/out.csv", "there is no directory"),
        ("text.parquet", "out.csv", "not readable as Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(
    cli: Run, tmp_path: Path, source: str, target: str, says: str
) -> None:
    write_csv(tmp_path / "in.csv", ROWS)
    (tmp_path / "in.xlsx").touch()
    (tmp_path / "text.parquet").write_text("no Parquet")
    ran = cli("score", source, target)
    assert ran.status == 1
    assert says in ran.err
    assert ran.err.startswith("sentiserve: ")
    assert "Traceback" not in ran.err
    assert not (tmp_path / target).exists()
