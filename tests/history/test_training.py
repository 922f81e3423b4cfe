"""Training sets see what serving would have answered, at every moment."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from history.histories import (
    DAY,
    HOUR,
    LABELS,
    START,
    history_of,
    record,
    sql,
    training_set,
    write_spine,
)
from history.replay import answer, store_at
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from sentiserve.features.views import VIEWS
from sentiserve.records import Record
from sentiserve.testing.scenarios import MODEL

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
    st.lists(records, max_size=12), st.integers(0, 8), st.lists(spine_rows, min_size=1, max_size=12)
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


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases)
def test_training_sees_what_serving_answered(case: Case) -> None:
    """Late, repeated, out of order, expired or by another author: a replayed store agrees."""
    assert same(joined(case), replayed(case))


NAIVE = """
SELECT CASE WHEN epoch_us(spine.event_timestamp) < epoch_us(kept.event_timestamp) + {ttl}
    THEN label END AS post_sentiment__label
FROM (SELECT *, row_number() OVER () AS row FROM read_json('{spine}',
    columns = {{event_timestamp: 'TIMESTAMPTZ', platform: 'VARCHAR', id: 'VARCHAR'}})) AS spine
ASOF LEFT JOIN (SELECT * FROM read_parquet('{files}') WHERE model_id = '{model}') AS kept
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
        labels = [{"post_sentiment__label": row["post_sentiment__label"]} for row in replayed(case)]
        return bool(case[0]) and not same(naively_joined(case), labels)

    find(cases, wrong, settings=settings(max_examples=300, deadline=None, phases=[Phase.generate]))
