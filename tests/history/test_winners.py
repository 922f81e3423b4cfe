"""What the history gives an online store."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from history.histories import DAY, HOUR, START, history_of, kept, record

from sentiserve.errors import StoreError
from sentiserve.history.history import History
from sentiserve.history.winners import BATCH
from sentiserve.tombstones import Tombstone
from sentiserve.types import PostRef


def test_the_last_prediction_of_a_post_wins(tmp_path: Path) -> None:
    """Whatever the order in which they came, and in which files."""
    versions = [record("1", at=START + n * HOUR, taken=START + DAY) for n in range(3)]
    for number, order in enumerate(permutations(versions)):
        place = tmp_path / f"{number}"
        place.mkdir()
        history = history_of(place, [order[0]], list(order[1:]))
        assert kept(history) == [versions[2]]


def test_of_two_alike_the_later_arrival_wins(tmp_path: Path) -> None:
    """By the time at which they were taken, and if that is the same by the order kept."""
    history = history_of(
        tmp_path,
        [record("1", taken=START + DAY, text="later"), record("2", text="first")],
        [record("1", text="earlier"), record("2", text="second")],
    )
    assert sorted(item.text for item in kept(history)) == ["later", "second"]


def test_each_model_has_its_winner(tmp_path: Path) -> None:
    """Models don't win against one another, nor posts of other platforms."""
    history = history_of(
        tmp_path, [record("1"), record("1", model_id="other"), record("1", platform="y")]
    )
    assert len(kept(history)) == 3


def test_only_a_span_of_time_is_looked_at(tmp_path: Path) -> None:
    """From the first time on, and before the second."""
    times = [record("1", at=START + n * DAY) for n in range(4)]
    history = history_of(tmp_path, times)
    assert kept(history, since=START, until=START + 4 * DAY) == [times[3]]
    assert kept(history, since=START + DAY, until=START + 2 * DAY) == [times[1]]
    assert kept(history, since=START + 4 * DAY) == []


def test_batches_are_bounded(tmp_path: Path) -> None:
    """However much there is."""
    history = history_of(tmp_path, [record(f"{number}") for number in range(BATCH + 1)])
    assert sorted(len(batch) for batch in history.records()) == [1, BATCH]


def test_what_is_forgotten_meanwhile_is_left_out(tmp_path: Path) -> None:
    """A batch is looked through when it is given."""
    many = [record(f"{number}") for number in range(2 * BATCH)]
    history = history_of(tmp_path, many)
    batches = history.records()
    seen = {item.id for item in next(batches)}
    unseen = next(item.id for item in many if item.id not in seen)
    history._tombstones.add(Tombstone.of(PostRef("x", unseen), datetime.now(UTC)))
    assert unseen not in {item.id for item in next(batches)}


def test_no_history_has_no_records(tmp_path: Path) -> None:
    """And nothing is made by looking."""
    assert kept(History(tmp_path / "none")) == []
    assert not (tmp_path / "none").exists()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """With what to do."""
    history = history_of(tmp_path, [record("1")])
    next(history.directory.rglob("*.parquet")).write_bytes(b"PAR1 or so")
    with pytest.raises(StoreError, match=r"s0-\w+\.parquet"):
        kept(history)
