"""Taking rows out of the files."""

from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.history.duck import columns_of, connected, name, parquet
from sentiserve.history.keeping import write
from sentiserve.history.layout import Layout, sync
from sentiserve.tombstones import Tombstone
from sentiserve.types import Author, PostRef, Prefix

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK = 10_000  # handles looked at together
_MATCHES = """coalesce(created_timestamp <= getvariable('moment') AND (
    CASE getvariable('kind')
    WHEN 'post' THEN platform = getvariable('platform') AND id = getvariable('name')
    WHEN 'author' THEN platform = getvariable('platform') AND (
        author_id = getvariable('name') OR author_handle IN (SELECT handle FROM handles))
    ELSE starts_with(platform || '/' || id, getvariable('name')) END), false)"""


def remove(layout: Layout, tombstone: Tombstone) -> int:
    """Rewrite the files that hold such rows, and no others; only while writing.

    Returns:
        How many rows went.
    """
    files = layout.files()
    if not files:
        return 0
    with connected(layout.spill) as connection, layout.until_closed(connection.interrupt):
        _define(connection, files, tombstone)
        found = connection.execute(
            f"SELECT filename, count(*) FROM {parquet(files)} WHERE {_MATCHES} GROUP BY filename"
        ).fetchall()
        for path, _ in found:
            _rewrite(connection, layout, Path(path))
    return sum(count for _, count in found)


def _define(connection: "DuckDBPyConnection", files: list[Path], tombstone: Tombstone) -> None:
    """Set what ``_MATCHES`` looks for."""
    connection.execute("CREATE TEMP TABLE handles (handle VARCHAR)")
    match tombstone.target:
        case PostRef(platform, sought):
            kind = "post"
        case Author(platform, sought):
            kind = "author"
            handles = _handles(connection, files, platform, sought)
            connection.execute("INSERT INTO handles SELECT unnest(?::VARCHAR[])", [handles])
        case Prefix(sought):
            kind, platform = "prefix", ""
    for variable, value in (("kind", kind), ("platform", platform), ("name", sought)):
        connection.execute(f"SET VARIABLE {variable} = ?::VARCHAR", [value])
    connection.execute("SET VARIABLE moment = ?::TIMESTAMPTZ", [tombstone.at.isoformat()])


def _handles(
    connection: "DuckDBPyConnection", files: list[Path], platform: str, author: str
) -> list[str]:
    """The ways in which the files write an author's handle; DuckDB folds case its own way."""
    spellings = connection.execute(
        f"SELECT DISTINCT author_handle FROM {parquet(files)} "
        "WHERE platform = ? AND author_handle IS NOT NULL",
        [platform],
    )
    found: list[str] = []
    while chunk := spellings.fetchmany(_CHUNK):
        found += [handle for (handle,) in chunk if handle.casefold() == author.casefold()]
    return found


def _rewrite(connection: "DuckDBPyConnection", layout: Layout, file: Path) -> None:
    rest = f"FROM {parquet([file])} WHERE NOT {_MATCHES}"
    ((left,),) = connection.execute(f"SELECT count(*) {rest}").fetchall()
    if not left:
        file.unlink()
        sync(file.parent)
        return
    columns = ", ".join(name(column) for column in columns_of(connection, file))
    write(connection, f"SELECT {columns} {rest}", layout.draft(file))
    layout.publish(file)
