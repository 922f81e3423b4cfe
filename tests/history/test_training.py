"""Training sets see what serving would have answered, at every moment."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from histories import DAY, HOUR, LABELS, START, TTL, history_of, record, sql, training_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis import find
from replay import answer, store_at

from sentiserve.errors import BadInputError, StoreError
from sentiserve.history.views import VIEWS
from sentiserve.records import Record
from sentiserve.testing.scenarios import MODEL

TICK = timedelta(microseconds=1)
SHORT = timedelta(days=9)  # to live, so that things expire while they are in windows
FEATURES = [f"{view.name}:{name}" for view in VIEWS.values() for name in view.features(LABELS)]
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
    st.lists(records, max_size=8), st.integers(0, 8), st.lists(spine_rows, min_size=1, max_size=6)
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


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases)
def test_training_sees_what_serving_answered(case: Case) -> None:
    """Late, repeated, out of order, expired or by another author: a replayed store agrees."""
    assert same(joined(case), replayed(case))
