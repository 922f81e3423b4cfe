"""Training sets: what serving would have answered at a time, for each row of a spine.

Each of the spine's rows comes out once, in their order; where nothing was known, nothing is said.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.errors import BadInputError
from sentiserve.features.views import VIEWS, Feature, FeatureView
from sentiserve.history.duck import connected, copy, name, refusing
from sentiserve.history.layout import Layout
from sentiserve.history.points import answer, find_members
from sentiserve.history.spine import ROW, ask, load_spine
from sentiserve.history.versions import Selection, load_versions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OnProgress = Callable[[str], object]
"""Is told in words what is being done now."""

_FORMATS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 40960",  # a thread for each group
    ".csv": "FORMAT csv, HEADER",
    ".jsonl": "FORMAT json",
}
_EPOCH = datetime.fromtimestamp(0, UTC)


def write_training_set(
    layout: Layout,
    spine: Path,
    out: Path,
    features: Sequence[Feature],
    selection: Selection,
    on_progress: OnProgress,
) -> int:
    """Join the features to a spine; only while reading.

    Returns:
        The number of rows.

    Raises:
        BadInputError: the spine can't be used, or ``out`` can't be written.
        StoreError: the history can't be read.
    """
    views = [view for view in VIEWS.values() if view.name in {f.view for f in features}]
    with _draft(spine, out) as (draft, spill), connected(spill) as connection:
        on_progress("reading the spine")
        columns = load_spine(connection, spine, views)
        _check_columns(spine, columns, features)
        advice = "see which file it is, and move it away if it is broken"
        with refusing(f"the history {layout.directory} cannot be read", advice):
            _join(connection, layout, views, features, selection, on_progress)
        on_progress(f"writing {out.name}")
        return _write(connection, columns, features, out, draft)


def _join(
    connection: "DuckDBPyConnection",
    layout: Layout,
    views: Sequence[FeatureView],
    features: Sequence[Feature],
    selection: Selection,
    on_progress: OnProgress,
) -> None:
    for view in views:
        ask(connection, view)
    on_progress("reading the history")
    files = _files(connection, layout, selection.ttl)
    load_versions(connection, files, selection, views)
    on_progress(f"joining {', '.join(view.name for view in views)}")
    with ThreadPoolExecutor(len(views), "views") as threads:  # NumPy has one thread, DuckDB several
        for done in [
            threads.submit(_answer, connection, view, features, selection.labels) for view in views
        ]:
            done.result()


def _answer(
    connection: "DuckDBPyConnection",
    view: FeatureView,
    features: Sequence[Feature],
    labels: Sequence[str],
) -> None:
    with connection.cursor() as own:
        find_members(own, view, labels)
        answer(own, view, [feature for feature in features if feature.view == view.name], labels)
        own.execute(f"DROP TABLE {view.name}_members")


def _files(connection: "DuckDBPyConnection", layout: Layout, ttl: int) -> list[Path]:
    """Those that may hold a record that is known and alive at a time that is asked for."""
    ((first, last),) = connection.execute("SELECT min(time), max(time) FROM asked").fetchall()
    if first is None:
        return []
    return layout.files(_datetime(first - ttl), _datetime(last))


def _datetime(micros: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def _write(
    connection: "DuckDBPyConnection",
    columns: Sequence[str],
    features: Sequence[Feature],
    out: Path,
    draft: Path,
) -> int:
    views = dict.fromkeys(feature.view for feature in features)
    joins = " ".join(
        f"LEFT JOIN {view}_features ON {ROW} = {view}_features.point" for view in views
    )
    fields = [*(f"spine.{name(column)}" for column in columns), *map(_field, features)]
    query = f"SELECT {', '.join(fields)} FROM spine {joins} ORDER BY {ROW}"
    return copy(connection, query, draft, _FORMATS[out.suffix.lower()], out)


def _field(feature: Feature) -> str:
    """The feature's column; a count is 0 where the row has no entity at all."""
    column = name(feature.full_name)
    count = feature.what in {"posts", "count"}
    return f"coalesce({column}, 0) AS {column}" if count else column


def _check_columns(spine: Path, columns: Sequence[str], features: Sequence[Feature]) -> None:
    taken = {column.casefold() for column in columns}
    for feature in features:
        if feature.full_name.casefold() in taken:
            raise BadInputError(
                f"{spine}: there is a column {feature.full_name} already, which is what comes out; "
                "take it out"
            )


@contextmanager
def _draft(spine: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """Where to write, and where to spill; ``out`` appears when all went well."""
    if out.suffix.lower() not in _FORMATS:
        raise BadInputError(f"{out}: the name of what comes out must end in {' '.join(_FORMATS)}")
    if out.resolve() == spine.resolve():
        raise BadInputError(f"{out} is the spine itself; name another file for what comes out")
    draft = out.with_name(f".{out.name}.draft")
    spill = out.with_name(f".{out.name}.spill")
    try:
        draft.touch()  # refuse before the work is done, not after
        yield draft, spill
        draft.replace(out)
    except OSError as error:
        raise BadInputError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
        shutil.rmtree(spill, ignore_errors=True)
