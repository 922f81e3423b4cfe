"""Trying again where waiting helps, until somebody wants it to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from sentiserve.errors import (
    BudgetExhaustedError,
    OverloadedError,
    QuotaExhaustedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
    StoreError,
)

T = TypeVar("T")
Q = TypeVar("Q")
OnWait = Callable[[float, SentiserveError | None], object]
"""Is told how many seconds are waited, and why; or 0 and None: it goes on."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before a source that failed is asked again
_PATIENCE = 300.0  # seconds for which it is
_LAST_PATIENCE = 10.0  # seconds that a stop waits for room


def passes_by_itself(error: SentiserveError) -> bool:
    """Whether it is enough to wait."""
    return isinstance(error, QuotaExhaustedError | OverloadedError | StoreError) and not isinstance(
        error, BudgetExhaustedError
    )


def may_pass(error: SentiserveError) -> bool:
    """Whether it makes sense to wait, though perhaps not for ever."""
    return passes_by_itself(error) or (
        isinstance(error, SourceError)
        and not isinstance(error, BudgetExhaustedError | SourceRefusedError)
    )


class Patience:
    """How long to wait after an error before another try."""

    def __init__(self) -> None:
        """Begin with all of it."""
        self.restore()

    def restore(self) -> None:
        """It worked."""
        self._pause = _FIRST_PAUSE
        self._until: float | None = None

    def after(self, error: SentiserveError) -> float:
        """Seconds to wait.

        Raises:
            SentiserveError: the error, if waiting doesn't help, or did not for minutes.
        """
        if passes_by_itself(error):
            return error.retry_after or _FIRST_PAUSE
        now = time.monotonic()
        self._until = now + _PATIENCE if self._until is None else self._until
        if not may_pass(error) or now >= self._until:
            raise error
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause


class Effort:
    """Work that waits where that helps.

    Attributes:
        stopping: set when somebody wants it to stop.
    """

    def __init__(self, on_wait: OnWait) -> None:
        """Name who is told of waits."""
        self.stopping = asyncio.Event()
        self._on_wait = on_wait

    async def wait(self, seconds: float, error: SentiserveError) -> None:
        """Wait so long, or until it is to stop."""
        self._on_wait(seconds, error)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        self._on_wait(0, None)

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it, again and again where waiting helps; some seconds longer after a stop.

        Raises:
            SentiserveError: waiting doesn't help, or did not for minutes.
        """
        patience, given_up = Patience(), None
        while True:
            try:
                return await act()
            except SentiserveError as error:
                pause = patience.after(error)
                if not self.stopping.is_set():
                    await self.wait(pause, error)
                    continue
                given_up = given_up or time.monotonic() + _LAST_PATIENCE
                if time.monotonic() + pause > given_up:
                    raise
                await asyncio.sleep(pause)

    async def answers(
        self,
        questions: Sequence[Q],
        ask: Callable[[Sequence[Q]], Awaitable[Sequence[T | SentiserveError]]],
        again: Callable[[SentiserveError], bool],
        on_final: Callable[[Q, T | SentiserveError], object] = lambda *_: None,
    ) -> list[T | SentiserveError]:
        """An answer to each question, in order; asks again for errors that ``again`` names.

        Args:
            questions: what is asked.
            ask: gives an answer to each of some questions.
            again: says of an error whether it is asked again.
            on_final: is told each answer as soon as it stays, while others are waited for.

        Raises:
            SentiserveError: one of them stays.
        """
        final: dict[int, T | SentiserveError] = {}

        async def ask_pending() -> None:
            pending = [number for number in range(len(questions)) if number not in final]
            answers = await ask([questions[number] for number in pending])
            errors = []
            for number, answer in zip(pending, answers, strict=True):
                if isinstance(answer, SentiserveError) and again(answer):
                    errors.append(answer)
                else:
                    final[number] = answer
                    on_final(questions[number], answer)
            if errors:
                raise min(errors, key=may_pass)  # one that stays, if there is one

        await self.insist(ask_pending)
        return [final[number] for number in range(len(questions))]
