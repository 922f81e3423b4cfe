"""Tables of rows in files, streamed: posts that come in, and the same with sentiment.

Read: ``.jsonl``, ``.csv``, ``.tsv``, ``.parquet``, and what X gives people of their own posts,
as a ``.zip`` or one ``.js`` of it. Written: ``.jsonl``, ``.csv`` and ``.parquet``.
"""

from sentiserve.tables.reading import count_rows, no_column, read_rows, sample_archive
from sentiserve.tables.row import Row
from sentiserve.tables.writing import WRITABLE, write_rows

__all__ = [
    "WRITABLE",
    "Row",
    "count_rows",
    "no_column",
    "read_rows",
    "sample_archive",
    "write_rows",
]
