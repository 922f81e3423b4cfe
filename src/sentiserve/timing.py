"""How long the parts of an answer took, and how long the store may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from sentiserve.errors import StoreTimeoutError


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds by part: store, source, queue, model."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Take the time of the block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = time.perf_counter() - started

    def take(self, other: "Timing") -> None:
        """Keep the longer time of each part: what runs side by side takes the longest's."""
        for part, seconds in other.seconds.items():
            self.seconds[part] = max(seconds, self.seconds.get(part, 0.0))

    @classmethod
    def together(cls, timings: "Iterable[Timing]") -> "Timing":
        """The longest time of each part."""
        result = cls()
        for timing in timings:
            result.take(timing)
        return result


@asynccontextmanager
async def store_within(seconds: float, ask: str) -> AsyncIterator[None]:
    """Give the store so long for the block.

    Args:
        seconds: SENTISERVE_STORE_TIMEOUT.
        ask: what the caller may do about it.

    Raises:
        StoreTimeoutError: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise StoreTimeoutError(
            f"the store did not answer within {seconds:g} s; {ask}, or raise "
            "SENTISERVE_STORE_TIMEOUT"
        ) from error
