"""Nothing assumes three labels, or sentiment: other classifiers go all the way through."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from checkpoints import write_bert
from processes import Run, StartService, eventually

from sentiserve.models.export import Description, export

LABELS = {
    2: ("spam", "wanted"),
    5: ("1 star", "2 stars", "3 stars", "4 stars", "5 stars"),
    28: tuple(f"emotion {i}" for i in range(28)),
}
TEXTS = ("What a lovely #day", "Never again.", "The #day begins at noon.")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A bundle for each number of labels."""
    made = {}
    for count, labels in LABELS.items():
        directory = tmp_path_factory.mktemp("labels")
        write_bert(directory, id2label=dict(enumerate(labels)))
        made[count] = directory / "bundle"
        format_ = "onnx-int8" if count == 28 else "torchscript"  # which is made in no time
        export(directory, made[count], format_, Description(f"{count}", "1", "MIT"))
    return made


@pytest.mark.parametrize("count", LABELS)
def test_predict_gives_a_score_for_every_label(
    cli: Run, bundles: dict[int, Path], count: int
) -> None:
    ran = cli("predict", "--json", "--model", bundles[count], *TEXTS)
    assert ran.status == 0
    for line in ran.out.splitlines():
        said = json.loads(line)
        assert tuple(said["scores"]) == LABELS[count]
        assert said["label"] == max(said["scores"], key=said["scores"].get)


@pytest.mark.parametrize("count", LABELS)
def test_the_table_shows_no_more_scores_than_a_line_can_hold(
    cli: Run, bundles: dict[int, Path], count: int
) -> None:
    ran = cli("predict", "--model", bundles[count], "no")
    assert ran.status == 0
    header, line = ran.out.splitlines()
    scores = LABELS[count] if count < 10 else ("score",)
    assert header.split() == ["label", *" ".join(scores).split(), "text"]
    assert len(line.rsplit(maxsplit=len(scores) + 1)) == len(scores) + 2


def test_a_label_with_the_name_of_another_column_is_not_lost(cli: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    labels = ["error", "warning", "fine"]
    export(write_bert(tmp_path), bundle, "torchscript", Description("x", "1", "MIT"), labels=labels)
    (tmp_path / "in.csv").write_text("text\nWhat a day\n")
    ran = cli("score", tmp_path / "in.csv", tmp_path / "out.csv", "--model", bundle)
    assert ran.status == 1
    assert "label 'error' is another column's name" in ran.err


@pytest.mark.parametrize("count", LABELS)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_score_has_a_column_for_every_label(
    cli: Run, tmp_path: Path, bundles: dict[int, Path], count: int, ending: str
) -> None:
    rows = tmp_path / "in.jsonl"
    rows.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(TEXTS)))
    scored = tmp_path / f"out.{ending}"
    assert cli("score", rows, scored, "--model", bundles[count]).status == 0
    columns = [*LABELS[count], "model"]
    for row in read(scored):
        assert [name for name in row if name in columns] == columns
        assert row["label"] in LABELS[count]
        assert sum(float(row[label]) for label in LABELS[count]) == pytest.approx(1, abs=1e-4)


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        with file.open(newline="") as opened:
            return list(csv.DictReader(opened))
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    import duckdb

    relation = duckdb.read_parquet(str(file))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("store", ["memory://", "sqlite:///store.db"])
def test_the_service_answers_and_aggregates_every_label(
    start_service: StartService, bundles: dict[int, Path], count: int, store: str
) -> None:
    labels = LABELS[count]
    service = start_service(model=str(bundles[count]), store=store)
    assert service.client.get("/v1/model").json()["labels"] == list(labels)
    for cached in (False, True):
        answer = service.client.post("/v1/sentiment", json={"inputs": list(TEXTS)})
        for result in answer.json()["results"]:
            assert list(result["scores"]) == list(labels)
            assert result["cached"] is cached

    def both() -> Any:
        found = service.client.get("/v1/hashtags/day").json()
        return found.get("posts") == 2 and found

    found = eventually(both)
    assert list(found["counts"]) == list(found["meanScores"]) == list(labels)
    assert sum(found["counts"].values()) == 2
    assert sum(found["meanScores"].values()) == pytest.approx(1, abs=1e-3)
