"""The history as a Feast repository, for whom Feast is where features come from.

Feast takes of each entity the last row whose event_timestamp is not after the time asked for. So
a view's file has a row for each moment at which what the view says changes, and the row says
what is so from then on. An entity's first row, of 1970, counts nothing. The repository is for
Feast's DuckDB store: the default one drops rows of a spine (seen with 0.67).
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.errors import BadInputError
from sentiserve.features.views import HASHTAG_SENTIMENT, VIEWS, FeatureView
from sentiserve.history.duck import connected, copy, name, refusing
from sentiserve.history.layout import Layout
from sentiserve.history.points import answer, change_times, find_members, number_entities
from sentiserve.history.training import OnProgress
from sentiserve.history.versions import Selection, load_versions, stored

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STORE = """\
project: sentiserve
registry: data/registry.db
provider: local
online_store:
    type: sqlite
    path: data/online_store.db
offline_store:
    type: duckdb
entity_key_serialization_version: 3
"""
_DEFINITIONS = "definitions.py"
_MARK = "Made by sentiserve"
_HEAD = '''\
"""Sentiment by post, author and hashtag, as sentiserve's history has it.

Made by sentiserve; made again, it is replaced.
"""

from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64, String

DATA = Path(__file__).parent / "data"
MODEL = {{"model_id": {model_id!r}}}

platform = Entity(name="platform", join_keys=["platform"], value_type=ValueType.STRING)
post = Entity(name="post", join_keys=["id"], value_type=ValueType.STRING)
author = Entity(name="author", join_keys=["author"], value_type=ValueType.STRING)
hashtag = Entity(name="hashtag", join_keys=["hashtag"], value_type=ValueType.STRING)
'''
_VIEW = """
{view} = FeatureView(
    name="{view}",
    entities=[{entities}],
    ttl=timedelta(0),  # rows say themselves when they end
    schema=[
{fields}
    ],
    source=FileSource(
        path=str(DATA / "{view}.parquet"), timestamp_field="event_timestamp"
    ),
    tags=MODEL,
)
"""
_DTYPES = {
    "label": "String",
    "score": "Float64",
    "posts": "Int64",
    "count": "Int64",
    "mean": "Float64",
}
_KEYS = {  # in the history
    view: "unnest(hashtags) AS hashtag" if view is HASHTAG_SENTIMENT else ", ".join(view.join_keys)
    for view in VIEWS.values()
}
_ENTITIES = {"platform": "platform", "id": "post", "author": "author", "hashtag": "hashtag"}


def write_repository(
    layout: Layout, out: Path, selection: Selection, on_progress: OnProgress
) -> None:
    """Write a Feast repository into a directory; only while reading.

    A ``feature_store.yaml`` that is there stays: it says which stores somebody chose.

    Raises:
        BadInputError: the directory can't be written, or has definitions of another hand.
        StoreError: the history can't be read.
    """
    data, spill = out / "data", out / ".spill"
    try:
        _check_own(out / _DEFINITIONS)
        data.mkdir(parents=True, exist_ok=True)
        advice = "see which file it is, and move it away if it is broken"
        what = f"the history {layout.directory} cannot be read"
        with refusing(what, advice), connected(spill) as connection:
            on_progress("reading the history")
            files, views = layout.files(), list(VIEWS.values())
            for view in views:
                number_entities(
                    connection, view, f"SELECT {_KEYS[view]} FROM ({stored(files, selection)})"
                )
            load_versions(connection, files, selection, views)
            for view in views:
                on_progress(f"writing {view.name}")
                _write_view(connection, view, selection.labels, data)
        if not (store := out / "feature_store.yaml").exists():
            store.write_text(_STORE, "utf-8")
        (out / _DEFINITIONS).write_text(_definitions(selection), "utf-8")
    except OSError as error:
        raise BadInputError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _check_own(definitions: Path) -> None:
    if definitions.exists() and _MARK not in definitions.read_text("utf-8", "replace"):
        raise BadInputError(f"{definitions} is not sentiserve's; name another directory")


def _write_view(
    connection: "DuckDBPyConnection", view: FeatureView, labels: Sequence[str], data: Path
) -> None:
    find_members(connection, view, labels)
    connection.execute(
        f"CREATE TABLE {view.name}_points AS SELECT entity, time, "
        "row_number() OVER () AS point FROM ("
        f"{change_times(view)} UNION SELECT entity, 0 FROM {view.name}_entities)"
    )
    features = view.features(labels)
    answer(connection, view, features, labels)
    fields = ", ".join(f"{name(f.full_name)} AS {name(f.name)}" for f in features)
    file = data / f"{view.name}.parquet"
    draft = file.with_name(f".{file.name}.draft")
    keys = ", ".join(view.join_keys)
    query = (
        f"SELECT {keys}, {fields}, make_timestamptz(time) AS event_timestamp "
        f"FROM {view.name}_points JOIN {view.name}_entities USING (entity) "
        f"JOIN {view.name}_features USING (point) ORDER BY entity, time"
    )
    try:
        copy(connection, query, draft, "FORMAT parquet, COMPRESSION zstd", file)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    for table in ("entities", "members", "points", "features"):
        connection.execute(f"DROP TABLE {view.name}_{table}")


def _definitions(selection: Selection) -> str:
    parts = [_HEAD.format(model_id=selection.model_id)]
    for view in VIEWS.values():
        fields = "\n".join(
            f"        Field(name={feature.name!r}, dtype={_DTYPES[feature.what]}),"
            for feature in view.features(selection.labels)
        )
        entities = ", ".join(_ENTITIES[key] for key in view.join_keys)
        parts.append(_VIEW.format(view=view.name, entities=entities, fields=fields))
    return "\n".join(parts)
