"""The Feast repository; ``benchmarks/feast_agreement.py`` tries one with Feast."""

import ast
import asyncio
from pathlib import Path

import pytest
from disk import room_for
from history.histories import DAY, HOUR, LABELS, START, TTL, history_of, record, sql

from sentiserve.errors import BadInputError
from sentiserve.features.views import VIEWS
from sentiserve.history.history import History
from sentiserve.testing.scenarios import MODEL, NEGATIVE

LATE = START + 2 * HOUR


def export(history: History, out: Path, labels: tuple[str, ...] = LABELS) -> None:
    asyncio.run(history.export_feast(out, MODEL, labels, TTL))


def test_the_files_name_real_columns(tmp_path: Path) -> None:
    """The definitions are Python, and each field and key is a column of its view's file."""
    odd = 'it\'s "so"'
    history = history_of(
        tmp_path, [record(author_id="7", text="#a", scores={odd: 0.75, "b": 0.25})]
    )
    out = tmp_path / "repository"
    export(history, out, (odd, "b"))
    tree = ast.parse((out / "definitions.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    fields = [
        keyword.value.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Field"
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]
    named = []
    for view in VIEWS.values():
        described = sql(f"DESCRIBE FROM read_parquet('{out}/data/{view.name}.parquet')")
        columns = [name for name, *_ in described]
        names = [feature.name for feature in view.features((odd, "b"))]
        assert columns == [*view.join_keys, *names, "event_timestamp"]
        named += names
    assert fields == named
    assert "type: duckdb" in (out / "feature_store.yaml").read_text()


def test_a_row_for_each_change(tmp_path: Path) -> None:
    """From the moment a prediction is known until it expires, and what it is meanwhile."""
    history = history_of(
        tmp_path,
        [record("1", taken=LATE), record("1", at=START + DAY, scores=NEGATIVE)],
    )
    out = tmp_path / "repository"
    export(history, out)
    export(history, out)  # and again, in its place
    found = sql(
        "SELECT epoch_us(event_timestamp), label "
        f"FROM '{out}/data/post_sentiment.parquet' ORDER BY 1"
    )
    micros = [0, *(int(time.timestamp() * 1e6) for time in (LATE, START + DAY, START + DAY + TTL))]
    assert found == list(zip(micros, [None, "positive", "negative", None], strict=True))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The error names it."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInputError, match="file cannot be written"):
        export(history_of(tmp_path, []), tmp_path / "file")


def test_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    """Definitions of another hand are refused, and a chosen store is kept."""
    history, out = history_of(tmp_path, [record("1")]), tmp_path / "repository"
    export(history, out)
    (out / "feature_store.yaml").write_text("registry: elsewhere")
    export(history, out)
    assert (out / "feature_store.yaml").read_text() == "registry: elsewhere"
    (out / "definitions.py").write_text("mine = 1")
    with pytest.raises(BadInputError, match=r"definitions\.py is not sentiserve's"):
        export(history, out)
    assert (out / "definitions.py").read_text() == "mine = 1"


def test_a_full_disk_is_not_blamed_on_the_history(tmp_path: Path) -> None:
    """The error names the file that could not be written, and no half of it stays."""
    history, out = history_of(tmp_path, [record("1")]), tmp_path / "repository"
    with (
        pytest.raises(BadInputError, match=r"_sentiment\.parquet cannot be written"),
        room_for(1_000),
    ):
        export(history, out)
    assert not list(out.rglob("*.parquet*"))
