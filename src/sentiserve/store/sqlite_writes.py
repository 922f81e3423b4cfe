"""Writing to a SQLite store.

What is put is counted later, by ``follow``: up to which row that was done is in the file. Whatever
leaves, because it is replaced, has expired or is forgotten, leaves by ``_remove``, which takes it
from the counts too, if it was counted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from sentiserve.store import sqlite_totals
from sentiserve.store.sqlite_rows import micros, row_of
from sentiserve.types import Author, Feedback, PostRef, Prediction, Prefix

_TOGETHER = 1_000  # rows that are removed in one go
EXPIRED = "SELECT rowid FROM predictions WHERE expires_at <= ? LIMIT 5000"
"""Bounded: where nobody has written for long, others wait while it goes."""
_ADD = """
INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_ADD_HASHTAG = "INSERT INTO hashtags VALUES (?, ?, ?, ?, ?, ?)"
_STANDING = """
SELECT rowid, predicted_at FROM predictions WHERE platform = ? AND id = ? AND model_id = ?
"""
_UP_TO = """
SELECT max(rowid), count(*) FROM (
    SELECT rowid FROM predictions WHERE rowid > ? ORDER BY rowid LIMIT ?
)
"""
_LAG = "SELECT max(rowid) - (SELECT up_to FROM counted) FROM predictions"
_STEP_BACK = """
UPDATE counted SET up_to = min(up_to, (SELECT coalesce(max(rowid), 0) FROM predictions))
"""
_JUDGE = """
INSERT INTO feedback VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    label = excluded.label, given_at = excluded.given_at, expires_at = excluded.expires_at
WHERE excluded.given_at >= feedback.given_at
"""
# A label lives as long as what was predicted of its post, which may have been predicted anew.
PROLONG = """
UPDATE feedback SET expires_at = coalesce((
    SELECT max(p.expires_at) FROM predictions AS p
    WHERE p.platform = feedback.platform AND p.id = feedback.id
), expires_at) WHERE expires_at <= :now
"""


def put(connection: sqlite3.Connection, predictions: Sequence[Prediction], ttl: int) -> None:
    """Write the newest of each post; ``ttl`` is in microseconds."""
    newest = {
        (p.post.ref, p.model_id): p for p in sorted(predictions, key=lambda p: p.predicted_at)
    }
    written = list(newest.values())
    if not _add(connection, written, ttl):  # some posts are there already
        standing = list(_standing(connection, written))
        written = [p for p, at, _ in standing if at is None or micros(p.predicted_at) >= at]
        winners = set(map(id, written))
        _remove(connection, [row for p, _, row in standing if row and id(p) in winners])
        _add(connection, written, ttl)
    connection.executemany(_ADD_HASHTAG, [row for p in written for row in _hashtag_rows(p)])


def follow(connection: sqlite3.Connection, most: int) -> bool:
    """Count some of what was written since; whether that was all."""
    (counted,) = connection.execute("SELECT up_to FROM counted").fetchone()
    up_to, rows = connection.execute(_UP_TO, (counted, most)).fetchone()
    if rows:
        these = {"counted": counted, "up_to": up_to}
        sqlite_totals.add(connection, sqlite_totals.changes(connection, sqlite_totals.NEXT, these))
        connection.execute("UPDATE counted SET up_to = :up_to", these)
    return bool(rows < most)


def lags(connection: sqlite3.Connection, rows: int) -> bool:
    """Whether more rows than so many may not be counted yet."""
    (lag,) = connection.execute(_LAG).fetchone()
    return lag is not None and lag > rows


def drop_expired(connection: sqlite3.Connection, now: int) -> None:
    """Remove what has expired, or at least a part of much."""
    _remove(connection, [row for (row,) in connection.execute(EXPIRED, (now,))])
    connection.execute(PROLONG, {"now": now})
    connection.execute("DELETE FROM feedback WHERE expires_at <= ?", (now,))


def judge(connection: sqlite3.Connection, feedback: Sequence[Feedback], ttl: int, now: int) -> None:
    """Write the newest label of each post; it lives as long as any prediction of now."""
    rows = (
        (one.ref.platform, one.ref.id, one.label, at, max(at, now) + ttl)
        for one in feedback
        for at in [micros(one.given_at)]
    )
    connection.executemany(_JUDGE, rows)


def forget(connection: sqlite3.Connection, what: PostRef | Author | Prefix) -> int:
    """Remove the posts with their labels, and return how many predictions that were."""
    condition, values = _matching(what)
    matching = f"FROM predictions WHERE {condition}"  # a constant
    rows = [row for (row,) in connection.execute(f"SELECT rowid {matching}", values)]
    named = f"(platform, id) IN (SELECT platform, id {matching})"
    connection.execute(f"DELETE FROM feedback WHERE {named}", values)
    if not isinstance(what, Author):  # labels without a prediction tell no author
        connection.execute(f"DELETE FROM feedback WHERE {condition}", values)
    _remove(connection, rows)
    return len(rows)


def _add(connection: sqlite3.Connection, predictions: Sequence[Prediction], ttl: int) -> bool:
    """Write all, or none if one is there already."""
    connection.execute("SAVEPOINT adding")
    rows = [row_of(prediction, ttl) for prediction in predictions]
    added = connection.executemany(_ADD, rows).rowcount if rows else 0
    if added < len(rows):
        connection.execute("ROLLBACK TO adding")
    connection.execute("RELEASE adding")
    return added == len(rows)


def _standing(
    connection: sqlite3.Connection, predictions: Iterable[Prediction]
) -> Iterator[tuple[Prediction, int | None, int | None]]:
    """Each with when what stands in its place was predicted, and the row of that."""
    for prediction in predictions:
        key = (*_ref(prediction.post.ref), prediction.model_id)
        row, predicted_at = connection.execute(_STANDING, key).fetchone() or (None, None)
        yield prediction, predicted_at, row


def _remove(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    (counted,) = connection.execute("SELECT up_to FROM counted").fetchone()
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        known = _listed([row for row in some if row <= counted])
        changes = sqlite_totals.changes(connection, sqlite_totals.THESE, known)
        delete = f"DELETE FROM predictions AS p WHERE {sqlite_totals.THESE}"
        connection.execute(delete, _listed(some))
        sqlite_totals.take(connection, changes)
    if rows:  # the number of a row that was the last is given again
        connection.execute(_STEP_BACK)


def _listed(rows: Sequence[int]) -> dict[str, str]:
    return {"rows": msgspec.json.encode(rows).decode()}


def _hashtag_rows(prediction: Prediction) -> Iterator[tuple[str | int, ...]]:
    tags = prediction.post.hashtags
    if tags:
        seen, label = micros(prediction.seen_at), prediction.sentiment.label
        for tag in tags:
            yield (prediction.model_id, tag, seen, *_ref(prediction.post.ref), label)


def _ref(ref: PostRef) -> tuple[str, str]:
    return ref.platform, ref.id


def _matching(what: PostRef | Author | Prefix) -> tuple[str, tuple[str, ...]]:
    match what:
        case PostRef(platform, id):
            return "platform = ? AND id = ?", (platform, id)
        case Author(platform, author):
            named = "author_id = ? OR casefold(author_handle) = casefold(?)"
            return f"platform = ? AND ? <> '' AND ({named})", (platform, author, author, author)
        case Prefix(text):
            return "starts_with(platform || '/' || id, ?)", (text,)
