"""The tables of a SQLite store, and how a file gets them."""

import sqlite3

from sentiserve.store.sqlite_aggregates import AUTHOR
from sentiserve.store.sqlite_connection import transaction, use_write_ahead_log

_VERSION = 2  # of the schema; kept in the file's user_version
_BY_AUTHOR = f"""
CREATE INDEX predictions_by_author ON predictions (
    model_id, platform, {AUTHOR.replace("p.", "")}
);
PRAGMA user_version = {_VERSION}
"""
_SCHEMA = f"""
CREATE TABLE predictions (
    platform TEXT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL,
    text TEXT NOT NULL, url TEXT, author_id TEXT, author_handle TEXT, created_at INTEGER,
    label TEXT NOT NULL, scores TEXT NOT NULL, truncated INTEGER NOT NULL,
    predicted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id, model_id)
) STRICT;
CREATE INDEX predictions_by_expiry ON predictions (expires_at);
CREATE TABLE hashtags (
    model_id TEXT NOT NULL, tag TEXT NOT NULL, platform TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (model_id, tag, platform, id),
    FOREIGN KEY (platform, id, model_id) REFERENCES predictions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX hashtags_by_post ON hashtags (platform, id, model_id);
{_BY_AUTHOR}
"""
_STEPS = {  # that make a file one of this version, by the version it has
    0: _SCHEMA,
    1: f"DROP INDEX predictions_by_author; {_BY_AUTHOR}",
    _VERSION: "",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables or bring them up to date.

    Raises:
        DatabaseError: the file holds something else, and is left as it is.
    """
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        empty = version == 0 and not tables
        if not empty and (version not in _STEPS or not tables >= {"predictions", "hashtags"}):
            raise sqlite3.DatabaseError(f"it is no store of version {_VERSION}")
        for statement in _STEPS[version].split(";"):
            connection.execute(statement)
    use_write_ahead_log(connection)  # only now: it writes to the file
