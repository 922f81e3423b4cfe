"""Score a whole file: the same rows back, in order, with sentiment; stopped, it goes on.

What has been scored lies in ``OUT.partial``: a line that names the work, then a line for each
row. The output is written from it and the input at the end, in one piece.
"""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from sentiserve.errors import BadInputError
from sentiserve.protocols import Model
from sentiserve.tables import WRITABLE, Row, no_column, read_rows, write_rows
from sentiserve.texts import checked_text

_COLUMNS = {"label", "model", "error"}  # that are added, beside one for each label
_CHUNK = 256  # rows scored, and written to the partial file, together


class _Work(msgspec.Struct, frozen=True):
    """Which work a partial file belongs to."""

    input: str
    size: int
    modified: int  # nanoseconds
    model: str


class _Scored(msgspec.Struct, omit_defaults=True):
    """What the model said of a row, or why it wasn't asked."""

    label: str | None = None
    scores: dict[str, float] = {}
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Scoring:
    """The scoring of a file into another, of the same kind or another."""

    source: Path
    target: Path
    model: Model
    prefix: str = ""  # of the names of the added columns

    def __post_init__(self) -> None:
        """Refuse a name that can't be written, before any work."""
        if self.target.suffix.lower() not in WRITABLE:
            raise BadInputError(f"{self.target}: the name must end in one of {' '.join(WRITABLE)}")
        if self.target.is_dir():
            raise BadInputError(f"{self.target} is a directory; name a file")
        if not self.target.parent.is_dir():
            raise BadInputError(f"there is no directory {self.target.parent}; make it first")
        if taken := _COLUMNS & set(self.model.info.labels):
            raise BadInputError(f"the model's label {min(taken)!r} is another column's name here")

    def run(self, on_rows: Callable[[int], object] = lambda _: None) -> tuple[int, int]:
        """Score what isn't scored yet, and write the output.

        Args:
            on_rows: called with the number of rows done, now and then.

        Returns:
            How many rows there are, and how many of them could not be scored.

        Raises:
            BadInputError: a file can't be read or written, the partial file belongs to other
                work, or the input has one of the added columns already.
        """
        try:
            self._check_columns()
            self._score(on_rows)
            rows, failed = self._count()
            write_rows(self.target, lambda: self._result(with_error=failed > 0))
            self._partial.unlink()
        except OSError as error:
            raise BadInputError(f"{error.filename or self.target}: {error.strerror}") from error
        return rows, failed

    def _check_columns(self) -> None:
        """Find out before the work, not after it, that the result could not be written."""
        first = next(read_rows(self.source), None)
        if first is None:
            raise BadInputError(f"{self.source} holds no rows")
        if not first.problem and "text" not in first.values:
            raise no_column(self.source, first, "text")
        self._added(first, _Scored(), with_error=True)

    @property
    def _partial(self) -> Path:
        return self.target.with_name(self.target.name + ".partial")

    def _score(self, on_rows: Callable[[int], object]) -> None:
        with self._partial.open("a+b") as partial:
            try:
                fcntl.flock(partial, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BadInputError(f"another run is writing {self._partial}") from None
            done = self._resume(partial)
            on_rows(done)
            rows = islice(enumerate(read_rows(self.source), start=1), done, None)
            while chunk := list(islice(rows, _CHUNK)):
                lines = [msgspec.json.encode(scored) + b"\n" for scored in self._predict(chunk)]
                partial.write(b"".join(lines))
                partial.flush()
                done += len(chunk)
                on_rows(done)

    def _resume(self, partial: Any) -> int:
        """How many rows an earlier run has scored; half a line, if it was killed, is dropped."""
        stat = self.source.stat()
        work = _Work(str(self.source.resolve()), stat.st_size, stat.st_mtime_ns, self.model.info.id)
        header = msgspec.json.encode(work) + b"\n"
        partial.seek(0)
        found = partial.readline()
        if not found.endswith(b"\n"):
            partial.truncate(0)
            partial.write(header)
            return 0
        if found != header:
            raise BadInputError(
                f"{self._partial} is of another input or model; remove it to start anew"
            )
        rows, end = 0, len(header)
        while (line := partial.readline()).endswith(b"\n"):
            rows, end = rows + 1, end + len(line)
        partial.truncate(end)
        return rows

    def _predict(self, chunk: Sequence[tuple[int, Row]]) -> list[_Scored]:
        scored: list[_Scored] = []
        texts: list[str] = []
        for number, row in chunk:
            try:
                if row.problem:
                    raise BadInputError(row.problem)
                texts.append(checked_text(row.values.get("text")))
                scored.append(_Scored())
            except BadInputError as error:
                scored.append(_Scored(error=f"row {number}: {error}"))
        sentiments = iter(self.model.predict(texts))
        for result in scored:
            if result.error is None:
                sentiment = next(sentiments)
                result.label, result.scores = sentiment.label, dict(sentiment.scores)
        return scored

    def _scored(self) -> Iterator[_Scored]:
        decoder = msgspec.json.Decoder(_Scored)
        with self._partial.open("rb") as lines:
            next(lines)
            try:
                yield from map(decoder.decode, lines)
            except msgspec.DecodeError as error:
                raise BadInputError(
                    f"{self._partial} is damaged ({error}); remove it to start anew"
                ) from error

    def _count(self) -> tuple[int, int]:
        rows = failed = 0
        for scored in self._scored():
            rows += 1
            failed += scored.error is not None
        return rows, failed

    def _result(self, *, with_error: bool) -> Iterator[dict[str, Any]]:
        for row, scored in zip(read_rows(self.source), self._scored(), strict=True):
            yield row.values | self._added(row, scored, with_error=with_error)

    def _added(self, row: Row, scored: _Scored, *, with_error: bool) -> dict[str, Any]:
        added: dict[str, Any] = {"label": scored.label}
        added |= {label: scored.scores.get(label) for label in self.model.info.labels}
        added["model"] = self.model.info.id
        if with_error:
            added["error"] = scored.error
        added = {self.prefix + name: value for name, value in added.items()}
        if taken := added.keys() & row.values.keys():
            raise BadInputError(
                f"{self.source} has a column {min(taken)!r} already; "
                "name the added ones otherwise with --prefix"
            )
        return added
