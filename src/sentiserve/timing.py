"""How long the parts of an answer took, how long the store may take, and when to try it again."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from sentiserve.errors import StoreTimeoutError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while something fails
Facts = dict[str, str | int]
"""What else there is to say of a part: the kind of an ``error``, how many ``texts``."""


class Part(NamedTuple):
    """When a part of an answer began, by ``time.perf_counter``, and the seconds that it took."""

    began: float
    seconds: float
    facts: Facts = {}


@dataclass(frozen=True, slots=True)
class Timing:
    """The parts of an answer: store, source, queue, model."""

    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by part."""
        return {name: part.seconds for name, part in self.parts.items()}

    @contextmanager
    def of(self, part: str) -> Iterator[Facts]:
        """Take the time of the block, which may add facts; an error that leaves it is one."""
        facts: Facts = {}
        began = time.perf_counter()
        try:
            yield facts
        except BaseException as error:
            facts["error"] = type(error).__name__
            raise
        finally:
            self.parts[part] = Part(began, time.perf_counter() - began, facts)

    def take(self, other: "Timing") -> None:
        """Keep the longer of each part: what runs side by side takes the longest's time."""
        for name, part in other.parts.items():
            if name not in self.parts or part.seconds > self.parts[name].seconds:
                self.parts[name] = part

    @classmethod
    def together(cls, timings: "Iterable[Timing]") -> "Timing":
        """The longest of each part."""
        result = cls()
        for timing in timings:
            result.take(timing)
        return result


of_request: ContextVar[Timing | None] = ContextVar("of_request", default=None)
"""The timing of the request that is answered, for parts that nobody hands it to."""


@asynccontextmanager
async def store_within(seconds: float, ask: str) -> AsyncIterator[None]:
    """Give the store so long for the block, and take its time where a request is answered.

    Args:
        seconds: SENTISERVE_STORE_TIMEOUT.
        ask: what the caller may do about it.

    Raises:
        StoreTimeoutError: it took longer.
    """
    timing = Timing()
    try:
        with timing.of("store"):
            async with asyncio.timeout(seconds):
                yield
    except TimeoutError as error:
        raise StoreTimeoutError(
            f"the store did not answer within {seconds:g} s; {ask}, or raise "
            "SENTISERVE_STORE_TIMEOUT"
        ) from error
    finally:
        if request := of_request.get():
            request.take(timing)


def pause(failed: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(_FIRST_PAUSE * float(2 ** min(failed, 9)), _LONGEST_PAUSE)
