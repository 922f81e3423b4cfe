"""The tables of a SQLite store, and how a file gets them.

``predictions`` is the truth, and ``hashtags`` goes with it in the same transaction. ``totals``,
``days``, ``hours`` and ``handles`` follow, and hold what is in all rows up to the one that
``counted`` names.
"""

import sqlite3

from sentiserve.store import sqlite_totals
from sentiserve.store.sqlite_connection import transaction, use_write_ahead_log
from sentiserve.store.sqlite_rows import AUTHOR, MANY, SEEN

_VERSION = 4  # of the schema; kept in the file's user_version
_PREDICTIONS = """
CREATE TABLE predictions (
    platform TEXT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL,
    text TEXT NOT NULL, url TEXT, author_id TEXT, author_handle TEXT, created_at INTEGER,
    label TEXT NOT NULL, scores TEXT NOT NULL, truncated INTEGER NOT NULL,
    predicted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id, model_id)
) STRICT;
CREATE INDEX predictions_by_expiry ON predictions (expires_at);
"""
_REST = f"""
CREATE INDEX predictions_by_time ON predictions (model_id, predicted_at);
CREATE INDEX predictions_by_author ON predictions (
    model_id, platform, {AUTHOR.replace("p.", "")}, {SEEN.replace("p.", "")}, author_handle
);
CREATE TABLE hashtags (
    model_id TEXT NOT NULL, tag TEXT NOT NULL, seen INTEGER NOT NULL,
    platform TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (model_id, tag, seen, platform, id),
    FOREIGN KEY (platform, id, model_id) REFERENCES predictions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX hashtags_by_post ON hashtags (platform, id, model_id);
CREATE TABLE feedback (
    platform TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    given_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id)
) STRICT;
CREATE INDEX feedback_by_time ON feedback (given_at);
CREATE INDEX feedback_by_expiry ON feedback (expires_at);
"""
_COUNTS = f"""
CREATE TABLE totals (
    model_id TEXT NOT NULL, entity TEXT NOT NULL, platform TEXT NOT NULL, name TEXT NOT NULL,
    posts INTEGER NOT NULL,
    PRIMARY KEY (model_id, entity, platform, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX totals_by_posts ON totals (model_id, entity, posts DESC, platform, name)
    WHERE posts >= {MANY};
CREATE TABLE days (
    model_id TEXT NOT NULL, entity TEXT NOT NULL, day INTEGER NOT NULL,
    platform TEXT NOT NULL, name TEXT NOT NULL, posts INTEGER NOT NULL, tally TEXT NOT NULL,
    PRIMARY KEY (model_id, entity, day, platform, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE hours (
    model_id TEXT NOT NULL, hour INTEGER NOT NULL, label TEXT NOT NULL, posts INTEGER NOT NULL,
    PRIMARY KEY (model_id, hour, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE handles (
    model_id TEXT NOT NULL, folded TEXT NOT NULL, platform TEXT NOT NULL, name TEXT NOT NULL,
    handle TEXT NOT NULL,
    PRIMARY KEY (model_id, folded, platform, name, handle)
) STRICT, WITHOUT ROWID;
CREATE TABLE counted (up_to INTEGER NOT NULL) STRICT;
INSERT INTO counted VALUES (0);
PRAGMA user_version = {_VERSION}
"""
_FROM_2 = f"""
DROP INDEX predictions_by_author;
DROP INDEX hashtags_by_post;
ALTER TABLE hashtags RENAME TO hashtags_before;
{_REST};
INSERT INTO hashtags SELECT h.model_id, h.tag, {SEEN}, h.platform, h.id, p.label
    FROM hashtags_before AS h JOIN predictions AS p USING (platform, id, model_id);
DROP TABLE hashtags_before;
"""
_FROM_3 = "DROP TABLE totals; DROP TABLE hours; DROP TABLE counted;"
_STEPS = {  # that make a file one of this version, by the version it has
    0: _PREDICTIONS + _REST + _COUNTS,
    1: _FROM_2 + _COUNTS,  # its predictions_by_author knew no authors without an id
    2: _FROM_2 + _COUNTS,
    3: _FROM_3 + _COUNTS,  # it had a tally in totals, and none by day
    _VERSION: "",
}
_MIGRATION = 600_000  # milliseconds to wait for another process that brings a file up to date
_TOGETHER = 50_000  # rows that are counted in one go


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables or bring them up to date.

    Raises:
        DatabaseError: the file holds something else, and is left as it is.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version and version < _VERSION:  # another process may be at it
        connection.execute(f"PRAGMA busy_timeout = {_MIGRATION}")
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        empty = version == 0 and not tables
        if not empty and (version not in _STEPS or not tables >= {"predictions", "hashtags"}):
            raise sqlite3.DatabaseError(f"it is no store of version {_VERSION}")
        for statement in _STEPS[version].split(";"):
            connection.execute(statement)
        if version < _VERSION:
            _count(connection)
    use_write_ahead_log(connection)  # only now: it writes to the file


def _count(connection: sqlite3.Connection) -> None:
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM predictions").fetchone()
    for counted in range(0, last, _TOGETHER):
        these = {"counted": counted, "up_to": counted + _TOGETHER}
        sqlite_totals.add(connection, sqlite_totals.changes(connection, sqlite_totals.NEXT, these))
    connection.execute("UPDATE counted SET up_to = ?", (last,))
