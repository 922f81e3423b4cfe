"""``sentiserve store``: what has been served becomes a training set, and more."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from processes import Run, Service, StartService, eventually

Posts = list[dict[str, str]]
TEXTS = ["What a lovely day! #sun", "Never again. #rain"]
Served = dict[str, str]


@pytest.fixture
def served(start_service: StartService, tmp_path: Path, sample: Posts) -> Served:
    """Settings of a service that answered, was asked to forget, and stopped."""
    settings = {"STORE": f"sqlite:///{tmp_path}/served.db", "HISTORY": f"{tmp_path}/history"}
    service = start_service(**settings)
    ask(service, *({"url": post["url"]} for post in sample), *TEXTS)
    first = sample[0]
    assert service.client.delete(f"/v1/posts/x/{first['id']}").json()["online"] == 1
    assert service.stop() == 0
    return settings


def ask(service: Service, *inputs: object) -> None:
    response = service.client.post("/v1/sentiment", json={"inputs": list(inputs)})
    assert response.status_code == 200
    eventually(
        lambda: "sentiserve_queued_records 0.0" in service.client.get("/metrics").text.splitlines()
    )


def test_a_training_set_has_what_was_served(
    cli: Run, served: Served, sample: Posts, tmp_path: Path
) -> None:
    forgotten, known = sample[0], sample[1]
    spine, out = tmp_path / "spine.csv", tmp_path / "out.jsonl"
    with spine.open("w", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["event_timestamp", "platform", "id", "author", "mine"])
        for post in (forgotten, known):
            now = datetime.now(UTC).isoformat()
            writer.writerow([now, post["platform"], post["id"], post["author_id"], "kept"])
            writer.writerow(["2020-01-01", post["platform"], post["id"], post["author_id"], ""])
    features = "post_sentiment:label, author_sentiment:posts_30d"
    ran = cli("store", "training-set", spine, out, "--features", features, **served)
    assert (ran.status, ran.out) == (0, f"{out}: 4 rows\n")
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["mine"] for row in rows] == ["kept", None, "kept", None]
    assert [row["post_sentiment__label"] is not None for row in rows] == [False, False, True, False]
    assert [row["author_sentiment__posts_30d"] > 0 for row in rows][2:] == [True, False]


def test_another_store_is_filled_from_the_history(
    cli: Run, served: Served, sample: Posts, tmp_path: Path
) -> None:
    again = {**served, "STORE": f"sqlite:///{tmp_path}/again.db"}
    kept = len(sample) - 1 + len(TEXTS)
    ran = cli("store", "materialize", **again)
    assert (ran.status, ran.out) == (0, f"{again['STORE']}: {kept} records\n")
    stats = json.loads(cli("store", "stats", "--json", **again).out)
    assert list(stats["online"].values()) == list(stats["offline"].values()) == [kept]
    assert stats["online"].keys() == stats["offline"].keys()
    assert cli("store", "materialize", "--until", "2020-01-01", **again).out.endswith(
        " 0 records\n"
    )


def test_clearing_leaves_nothing_in_any_file(cli: Run, served: Served, tmp_path: Path) -> None:
    cleared = json.loads(cli("store", "clear", "--yes", "--json", **served).out)
    assert cleared["online"] == cleared["offline"] > len(TEXTS)
    stats = json.loads(cli("store", "stats", "--json", **served).out)
    assert stats == {"online": {}, "offline": {}}
    for path in tmp_path.rglob("*"):
        if path.is_file() and (path.name.startswith("served.db") or "history" in path.parts):
            assert b"lovely day" not in path.read_bytes(), path


def test_a_feast_repository_is_written(cli: Run, served: Served, tmp_path: Path) -> None:
    ran = cli("store", "export", tmp_path / "repo", "--format", "feast", **served)
    assert ran.status == 0, ran.err
    assert "feast apply" in ran.out
    assert (tmp_path / "repo" / "feature_store.yaml").is_file()
    compile((tmp_path / "repo" / "definitions.py").read_text(), "definitions.py", "exec")


def test_compacting_says_how_many_files_less_there_are(cli: Run, served: Served) -> None:
    assert cli("store", "compact", **served).out == "0 files less\n"


@pytest.mark.parametrize(
    "command",
    [
        ("training-set", "spine.csv", "out.csv"),
        ("materialize",),
        ("export", "repo", "--format", "feast"),
        ("compact",),
    ],
    ids=lambda command: command[0],
)
def test_without_a_history_it_says_what_to_name(cli: Run, command: tuple[str, ...]) -> None:
    ran = cli("store", *command, HISTORY="off")
    assert ran.status == 1
    assert "SENTISERVE_HISTORY is off" in ran.err


def test_a_training_set_that_cannot_be_made_says_why(cli: Run, tmp_path: Path) -> None:
    spine, history = tmp_path / "spine.csv", tmp_path / "history"
    spine.write_text("id\n1\n")
    command = ("store", "training-set", spine, tmp_path / "out.csv", "--history", history)
    ran = cli(*command)
    assert (ran.status, f"there is no history at {history}" in ran.err) == (1, True)
    history.mkdir()
    ran = cli(*command)
    assert (ran.status, "event_timestamp" in ran.err) == (1, True)
    ran = cli(*command, "--features", "nothing")
    assert ran.status == 1
    assert "post_sentiment, author_sentiment, hashtag_sentiment" in ran.err


def test_a_store_that_ends_with_the_command_is_not_filled(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    ran = cli("store", "materialize", "--store", "memory://", HISTORY=f"{tmp_path}/history")
    assert (ran.status, ran.out) == (1, "")
    assert "memory:// ends with this command" in ran.err
