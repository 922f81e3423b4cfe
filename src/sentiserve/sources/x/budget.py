"""What may be read from X's API in a day, by all processes of a machine together.

Each reads and writes one small file under a lock; what a killed process had reserved stays spent.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from sentiserve.errors import BudgetExhaustedError, SourceError
from sentiserve.sources.x.state import StateError, shared_file

_ENOUGH = 64  # bytes; a day and a count


class Reservation:
    """Reads that nobody else can spend.

    Attributes:
        reads: how many.
        spent: how many of them X gave; None while that is unknown.
    """

    def __init__(self, reads: int) -> None:
        """Take as many."""
        self.reads = reads
        self.spent: int | None = None
        self._answers = 0

    def saw(self, status: int) -> None:
        """An answer begins: what X gives is paid for, even if it breaks off."""
        self._answers += status == HTTPStatus.OK

    @property
    def settled(self) -> int:
        """What they turned out to be: all of them for each answer that broke off."""
        if self.spent is None:
            return self._answers * self.reads
        return self.spent + max(0, self._answers - 1) * self.reads


class Budget:
    """So many reads in a day (UTC)."""

    def __init__(
        self, path: Path, limit: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Name the file that the processes share, and the reads of a day."""
        self._path = path
        self._limit = limit
        self._now = now

    async def open(self) -> None:
        """Make sure that reads can be counted.

        Raises:
            StateError: they can't.
        """
        await asyncio.to_thread(self._change, self._now().date(), lambda spent: spent)

    @asynccontextmanager
    async def reserved(self, wanted: int, least: int = 1) -> AsyncIterator[Reservation]:
        """Reads to spend inside; what is not spent is given back.

        Args:
            wanted: how many there should be.
            least: how many there must be.

        Raises:
            BudgetExhaustedError: fewer are left.
            StateError: they can't be counted.
        """
        day = self._now().date()
        granting = asyncio.create_task(asyncio.to_thread(self._reserve, day, wanted, least))
        try:
            reservation = Reservation(await asyncio.shield(granting))
        except asyncio.CancelledError:  # who leaves takes along nothing that others may spend
            with suppress(SourceError):
                await self._give_back(day, await granting)
            raise
        try:
            yield reservation
        finally:
            await self._give_back(day, reservation.reads - reservation.settled)

    async def _give_back(self, day: date, reads: int) -> None:
        """Where that fails they stay spent, and what was read with the others isn't lost for it."""
        if reads:
            with suppress(SourceError):
                await asyncio.shield(
                    asyncio.to_thread(self._change, day, lambda spent: spent - reads)
                )

    def exhausted(self) -> BudgetExhaustedError:
        """The error for what can't be read any more today."""
        now = self._now()
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        return BudgetExhaustedError(
            f"today's {self._limit:,} reads from X are used up, and the day ends at midnight UTC; "
            "SENTISERVE_X_DAILY_READS says how many there are",
            int((midnight - now).total_seconds()) + 1,
        )

    def _reserve(self, day: date, wanted: int, least: int) -> int:
        granted = 0

        def grant(spent: int) -> int:
            nonlocal granted
            granted = min(wanted, self._limit - spent)
            return spent + granted if granted >= least else spent

        self._change(day, grant)
        if granted < least:
            raise self.exhausted()
        return granted

    def _change(self, day: date, change: Callable[[int], int]) -> None:
        """Change what is spent of a day; of a day that is over, nothing changes any more."""
        try:
            with self._locked() as descriptor:
                counted, spent = _read(os.pread(descriptor, _ENOUGH, 0), day)
                if counted <= day:
                    line = f"{day} {change(spent if counted == day else 0):020}\n"
                    os.pwrite(descriptor, line.encode(), 0)  # as long each time, so never torn
        except ValueError as error:
            raise StateError(
                f"what is read from X can't be counted: {self._path} is damaged; remove it, and "
                "today's reads begin anew"
            ) from error
        except OSError as error:
            raise StateError(
                f"what is read from X can't be counted in {self._path}: {error.strerror}"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        with shared_file(self._path) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor


def _read(content: bytes, today: date) -> tuple[date, int]:
    """The day that was counted last, and what was spent on it."""
    if not content:
        return today, 0
    try:
        day, spent = content.decode().split()
        return date.fromisoformat(day), int(spent)
    except ValueError:
        raise ValueError("it is damaged; remove it, and today's reads count from none") from None
