"""Training sets see what serving would have answered, at every moment."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from history.histories import (
    DAY,
    HOUR,
    LABELS,
    START,
    TTL,
    history_of,
    record,
    segment,
    sql,
    training_set,
    write_spine,
)
from history.replay import answer, store_at
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from sentiserve.errors import BadInputError, StoreError
from sentiserve.features.views import VIEWS
from sentiserve.history.history import History
from sentiserve.records import Record
from sentiserve.store.registry import make_store
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import Author

TICK = timedelta(microseconds=1)
SHORT = timedelta(days=9)  # to live, so that things expire while they are in windows
FEATURES = list(VIEWS)
SCORES = ((0.75, 0.125, 0.125), (0.1, 0.7, 0.2), (1 / 3, 0.3, 11 / 30), (0.05, 0.05, 0.9))

# Few of everything, so that records meet: times that repeat, or lie a span or a life apart.
moments = st.builds(
    lambda day, hour, tick: START + day * DAY + hour * HOUR + tick * TICK,
    st.sampled_from([0, 1, 2, 7, 9, 10, 30, 31]),
    st.sampled_from([0, 0, 5]),
    st.sampled_from([-1, 0, 0, 0, 1]),
)
records = st.builds(
    lambda post_id, at, late, created_at, author, tags, scores, model_id: record(
        post_id,
        at=at,
        taken=at + late,
        created_at=created_at,
        author_id=author,
        text=" ".join(f"#{tag}" for tag in tags) or "none",
        scores=dict(zip(LABELS, scores, strict=True)),
        model_id=model_id,
    ),
    st.sampled_from("123"),
    moments,
    st.sampled_from([timedelta(0), timedelta(0), HOUR, DAY, 3 * DAY, 9 * DAY, -HOUR]),
    st.none() | moments,
    st.sampled_from(["a", "b", None]),
    st.lists(st.sampled_from(["sun", "rain"]), max_size=2),
    st.sampled_from(SCORES),
    st.sampled_from([MODEL, MODEL, MODEL, "other"]),
)
spine_rows = st.builds(
    lambda at, post_id, author, tag: {
        "event_timestamp": at,
        "platform": "x",
        "id": post_id,
        "author": author,
        "hashtag": tag,
    },
    moments,
    st.sampled_from("1239"),
    st.sampled_from(["a", "b", "nobody"]),
    st.sampled_from(["sun", "rain", "none"]),
)
cases = st.tuples(
    st.lists(records, min_size=5, max_size=12),
    st.integers(0, 8),
    st.lists(spine_rows, min_size=6, max_size=12),
)
Case = tuple[list[Record], int, list[dict[str, Any]]]


def joined(case: Case) -> list[dict[str, Any]]:
    """Our answers: the records in two segments, in whatever order they come."""
    kept, split, spine = case
    with TemporaryDirectory() as place:
        directory = Path(place)
        history = history_of(directory, kept[:split], kept[split:])
        return training_set(history, directory, spine, FEATURES, ttl=SHORT)


def replayed(case: Case) -> list[dict[str, Any]]:
    kept, _, spine = case
    answers = []
    for row in spine:
        now = row["event_timestamp"]
        answers.append(answer(store_at(kept, MODEL, SHORT, now), row, now, LABELS))
    return answers


def same(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> bool:
    return len(found) == len(expected) and all(
        (row[name] == value)
        if not isinstance(value, float)
        else row[name] is not None and abs(row[name] - value) <= 1e-9
        for row, values in zip(found, expected, strict=True)
        for name, value in values.items()
    )


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(cases)
def test_training_sees_what_serving_answered(case: Case) -> None:
    """Late, repeated, out of order, expired or by another author: a replayed store agrees."""
    assert same(joined(case), replayed(case))


NAIVE = """
SELECT CASE WHEN epoch_us(spine.event_timestamp) < epoch_us(kept.event_timestamp) + {ttl}
    THEN label END AS post_sentiment__label
FROM (SELECT *, row_number() OVER () AS row FROM read_json('{spine}',
    columns = {{event_timestamp: 'TIMESTAMPTZ', platform: 'VARCHAR', id: 'VARCHAR'}})) AS spine
ASOF LEFT JOIN (
    SELECT DISTINCT ON (platform, id, event_timestamp) * FROM read_parquet('{files}')
    WHERE model_id = '{model}' ORDER BY created_timestamp DESC, label
) AS kept
    ON spine.platform = kept.platform AND spine.id = kept.id
    AND spine.event_timestamp >= kept.event_timestamp
ORDER BY row
"""


def naively_joined(case: Case) -> list[dict[str, Any]]:
    """What a plain as-of join on the event's time says."""
    kept, split, spine = case
    with TemporaryDirectory() as place:
        directory = Path(place)
        history = history_of(directory, kept[:split], kept[split:])
        path = write_spine(directory / "spine.jsonl", spine)
        query = NAIVE.format(
            ttl=SHORT // TICK, spine=path, files=history.directory / "*" / "*", model=MODEL
        )
        return [{"post_sentiment__label": label} for (label,) in sql(query)]


def test_the_property_catches_a_naive_join() -> None:
    """A join on the event's time alone knows of predictions before anybody was told of them."""

    def wrong(case: Case) -> bool:
        of_one_time = Counter((kept.id, kept.event_timestamp) for kept in case[0])
        if max(of_one_time.values()) > 1:
            return False  # which of them the join takes is chance
        labels = [{"post_sentiment__label": row["post_sentiment__label"]} for row in replayed(case)]
        return not same(naively_joined(case), labels)

    find(cases, wrong, settings=settings(max_examples=300, phases=[Phase.generate]))


def test_every_row_once_in_order_with_its_columns(tmp_path: Path) -> None:
    """A left join: repeated rows too, and what nothing is known of has nulls and zeros."""
    history = history_of(tmp_path, [record("1", author_id="7")])
    spine = [
        {"event_timestamp": at, "platform": "x", "id": post_id, "author": author, "time": number}
        for number, (at, post_id, author) in enumerate(
            [
                ("2026-03-01T00:00:01Z", "1", "7"),
                ("2026-02-28T23:59:59Z", "1", "7"),
                ("2026-03-01T00:00:01Z", "none", None),
                ("2026-03-01T01:00:01+01:00", "1", "7"),
            ]
        )
    ]
    features = ["author_sentiment:mean_positive_1d", "post_sentiment:label",
                "author_sentiment:posts_1d"]  # fmt: skip
    found = training_set(history, tmp_path, spine, features)
    assert [list(row) for row in found] == [
        [*spine[0], *(name.replace(":", "__") for name in features)]
    ] * 4
    assert [{name: row[name] for name in spine[0]} for row in found] == spine
    assert [tuple(row.values())[-3:] for row in found] == [
        (0.75, "positive", 1),
        (None, None, 0),
        (None, None, 0),
        (0.75, "positive", 1),
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("out_suffix", [".parquet", ".csv", ".jsonl"])
def test_spines_of_every_kind(tmp_path: Path, suffix: str, out_suffix: str) -> None:
    """Ids stay as they are written, and a time without a zone is in UTC."""
    history = history_of(tmp_path, [record("007"), record("9007199254740993")])
    spine, out = tmp_path / f"it's [a] spine{suffix}", tmp_path / f"out's{out_suffix}"
    path = write_spine(
        tmp_path / "rows.jsonl",
        [
            {"event_timestamp": "2026-03-01 00:00:00", "platform": "x", "id": post_id}
            for post_id in ("9007199254740993", "007")
        ],
    )
    place = str(spine).replace("'", "''")
    columns = "event_timestamp: 'VARCHAR', platform: 'VARCHAR', id: 'VARCHAR'"
    if suffix == ".parquet":
        columns = columns.replace("'VARCHAR'", "'TIMESTAMP'", 1)
    sql(f"COPY (FROM read_json('{path}', columns = {{{columns}}})) TO '{place}'"
        + (" (FORMAT json)" if suffix == ".jsonl" else ""))  # fmt: skip
    work = history.training_set(spine, out, ["post_sentiment:label"], MODEL, LABELS, TTL)
    assert asyncio.run(work) == 2
    place = str(out).replace("'", "''")
    read = f"read_csv('{place}', all_varchar = true)" if out_suffix == ".csv" else f"'{place}'"
    assert sql(f"SELECT id, post_sentiment__label FROM {read}") == [
        ("9007199254740993", "positive"),
        ("007", "positive"),
    ]


def test_hashtags_are_found_as_people_write_them(tmp_path: Path) -> None:
    """With or without ``#``, in any case, as the online features are."""
    history = history_of(tmp_path, [record(text="so #Straße")])
    spine = [{"event_timestamp": START, "hashtag": tag} for tag in ("#STRASSE", "straße", "##s")]
    found = training_set(history, tmp_path, spine, ["hashtag_sentiment:posts_1d"])
    assert [tuple(row.values())[1:] for row in found] == [
        ("#STRASSE", 1),
        ("straße", 1),
        ("##s", 0),
    ]


def test_times_of_all_ages_in_one_spine(tmp_path: Path) -> None:
    """Whoever writes year 1 for "unknown" gets the same answers for the other rows."""
    people = [f"{number}" for number in range(40)]
    history = history_of(tmp_path, [record(person, author_id=person) for person in people])
    spine = [
        {"event_timestamp": at, "platform": "x", "author": person}
        for person in people
        for at in ("9999-12-31T00:00:00Z", "2026-03-01T00:00:01Z", "0001-01-01T00:00:00Z")
    ]
    found = training_set(history, tmp_path, spine, ["author_sentiment:posts_1d"])
    assert [row["author_sentiment__posts_1d"] for row in found] == [0, 1, 0] * len(people)


def test_an_empty_history_is_one(tmp_path: Path) -> None:
    """Everything is cold, and no directory is made."""
    row = {"event_timestamp": START, "platform": "x", "id": "1", "hashtag": "sun"}
    (found,) = training_set(
        History(tmp_path / "none"),
        tmp_path,
        [row],
        ["post_sentiment:label", "hashtag_sentiment:posts_1d", "hashtag_sentiment:mean_neutral_7d"],
    )
    assert list(found.values())[-3:] == [None, 0, None]
    assert not (tmp_path / "none").exists()


def test_labels_of_any_text_come_out(tmp_path: Path) -> None:
    """As columns that are quoted, in both kinds of views."""
    odd = 'it\'s "so", %;--'
    history = history_of(tmp_path, [record(author_id="7", scores={odd: 0.75, "b": 0.25})])
    row = {"event_timestamp": START, "platform": "x", "id": "1", "author": "7"}
    features = [f"post_sentiment:score_{odd}", f"author_sentiment:count_{odd}_1d"]
    (found,) = training_set(history, tmp_path, [row], features, labels=(odd, "b"))
    assert list(found.values())[-2:] == [0.75, 1]


GOOD = {"event_timestamp": "2026-03-01T00:00:00Z", "platform": "x", "id": "1"}


@pytest.mark.parametrize(
    ("row", "features", "problem"),
    [
        (GOOD, ["post_sentiment:lable"], r"'lable'; there are label, score_negative"),
        (GOOD, ["posts:label"], "'posts'; there are post_sentiment"),
        (GOOD, [], "name the features"),
        (GOOD, ["author_sentiment"], "no column author; there are event_timestamp, platform, id"),
        ({"platform": "x", "id": "1"}, ["post_sentiment"], "no column event_timestamp"),
        (GOOD | {"event_timestamp": "yesterday"}, ["post_sentiment"], "of row 1 is yesterday"),
        (GOOD | {"event_timestamp": None}, ["post_sentiment"], "event_timestamp"),
        (GOOD | {"event_timestamp": "infinity"}, ["post_sentiment"], "of row 1 is infinity"),
        (GOOD | {"event_timestamp": 1772323200}, ["post_sentiment"], "BIGINT; it must be a time"),
        (GOOD | {"id": 1.5}, ["post_sentiment"], "id is DOUBLE; it must be text"),
        (GOOD | {"spine_row": 1}, ["post_sentiment"], "spine_row is ours"),
        (GOOD | {"post_sentiment__label": 1}, ["post_sentiment"], "label already"),
    ],
)
def test_a_bad_spine_is_refused(
    tmp_path: Path, row: dict[str, Any], features: list[str], problem: str
) -> None:
    """The error says what is wrong with it, and nothing is written."""
    history = history_of(tmp_path, [record("1")])
    with pytest.raises(BadInputError, match=problem):
        training_set(history, tmp_path, [row], features)
    assert {path.name for path in tmp_path.iterdir()} <= {"history", "s0.ndjson", "spine.jsonl"}


@pytest.mark.parametrize(
    ("spine", "out", "problem"),
    [
        ("spine.jsonl", "spine.jsonl", "is the spine itself"),
        ("spine.jsonl", "none/out.parquet", "cannot be written: No such file"),
        ("spine.jsonl", "out.xlsx", "must end in .parquet"),
        ("none.parquet", "out.parquet", "no such file"),
        ("spine.txt", "out.parquet", "must end in .parquet .csv or .jsonl"),
        ("broken.parquet", "out.parquet", "broken.parquet"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, spine: str, out: str, problem: str) -> None:
    """The error names the file, and the spine stays as it is."""
    path = write_spine(tmp_path / "spine.jsonl", [GOOD])
    (tmp_path / "broken.parquet").write_text("no Parquet")
    (tmp_path / "spine.txt").write_text("no spine")
    work = History(tmp_path / "history").training_set(
        tmp_path / spine, tmp_path / out, ["post_sentiment"], MODEL, LABELS, TTL
    )
    with pytest.raises(BadInputError, match=problem):
        asyncio.run(work)
    assert path.read_bytes() == write_spine(tmp_path / "other.jsonl", [GOOD]).read_bytes()


def test_a_broken_file_of_the_history_is_named(tmp_path: Path) -> None:
    """It is no fault of the spine's."""
    history = history_of(tmp_path, [record("1")])
    next(history.directory.rglob("*.parquet")).write_bytes(b"PAR1 or so")
    with pytest.raises(StoreError, match=r"s0-\w+\.parquet"):
        training_set(history, tmp_path, [GOOD], ["post_sentiment"])


@pytest.mark.parametrize("url", ["memory://", "sqlite:///store.db"])
async def test_a_real_store_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """What a store says of windows now is what training sees as of now."""
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    ages = [timedelta(hours=hours) for hours in (1, 23, 25, 100, 200, 700, 800)]
    predictions = [
        example_prediction(
            f"{number % 5}",
            author_id="7",
            text="#sun",
            created_at=now - age,
            predicted_at=now - age / 2,
            scores=dict(zip(LABELS, SCORES[number % 4], strict=True)),
        )
        for number, age in enumerate(ages)
    ]
    store, history = make_store(url, int(SHORT.total_seconds())), History(tmp_path / "history")
    await store.open()
    await store.put(predictions)
    records = [Record.of(prediction, prediction.predicted_at) for prediction in predictions]
    await history.keep(segment(tmp_path / "s.ndjson", records))
    ((day, week, month),) = await store.windows(
        [Author("x", "7")], MODEL, [DAY, 7 * DAY, 30 * DAY], now
    )
    await store.close()
    spine = write_spine(
        tmp_path / "spine.jsonl", [{"event_timestamp": now, "platform": "x", "author": "7"}]
    )
    out = tmp_path / "out.jsonl"
    await history.training_set(spine, out, ["author_sentiment"], MODEL, LABELS, SHORT)
    found = msgspec.json.decode(out.read_bytes())
    for days, window in ((1, day), (7, week), (30, month)):
        assert window is not None
        assert found[f"author_sentiment__posts_{days}d"] == window.posts
        for label in LABELS:
            assert found[f"author_sentiment__count_{label}_{days}d"] == window.counts[label]
            mean = found[f"author_sentiment__mean_{label}_{days}d"]
            assert mean == pytest.approx(window.mean_scores[label], abs=1e-9)
