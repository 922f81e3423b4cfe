"""Looking posts up in a SQLite store, many in one statement.

A statement for each would leave the interpreter and come back for each, and wait for its lock each
time: under load for longer than SQLite needs to find them all.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, repeat

from sentiserve.store.sqlite_rows import PREDICTION, prediction_of
from sentiserve.types import PostRef, Prediction

_MOST = 256  # posts in one statement
_NOBODY = (None, None)  # fills a statement up, and is equal to nothing


def look_up(
    connection: sqlite3.Connection, refs: Sequence[PostRef], model_id: str, now: int
) -> list[Prediction | None]:
    """What is kept of each post and not expired by now."""
    found: dict[PostRef, Prediction] = {}
    for start in range(0, len(refs), _MOST):
        for prediction in _found(connection, refs[start : start + _MOST], model_id, now):
            found[prediction.post.ref] = prediction
    return [found.get(ref) for ref in refs]


def _found(
    connection: sqlite3.Connection, refs: Sequence[PostRef], model_id: str, now: int
) -> Iterator[Prediction]:
    places = 1 << (len(refs) - 1).bit_length()  # few numbers, so that statements stay prepared
    keys = [(ref.platform, ref.id) for ref in refs]
    filled = chain.from_iterable([*keys, *repeat(_NOBODY, places - len(keys))])
    rows = connection.execute(_sql(places), (*filled, model_id, now)).fetchall()
    return (prediction_of(row, model_id) for row in rows)


@cache
def _sql(places: int) -> str:
    return f"""
WITH wanted (platform, id) AS (VALUES {", ".join(["(?, ?)"] * places)})
SELECT {PREDICTION} FROM wanted CROSS JOIN predictions AS p USING (platform, id)
WHERE p.model_id = ? AND p.expires_at > ?
"""
