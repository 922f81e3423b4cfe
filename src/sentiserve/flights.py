"""Posts on their way to their answers: whoever asks for one meanwhile waits for the same outcome.

A caller who leaves takes nothing from the others; what nobody waits for any longer stops.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field

import structlog

from sentiserve.errors import SentiserveError
from sentiserve.lanes import Lane
from sentiserve.questions import Outcome, Wanted
from sentiserve.timing import Timing
from sentiserve.types import Post, PostRef

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Flight:
    """A post on its way to its answer."""

    ref: PostRef
    post: Post | None
    lane: Lane
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    timing: Timing = field(default_factory=Timing)
    callers: int = 0
    group: asyncio.Task[None] | None = None  # that works on it, and on others


class Flights:
    """All that is in the air."""

    def __init__(self, fly: Callable[[Sequence[Flight]], Coroutine[None, None, None]]) -> None:
        """Take what works on flights that were taken off together, and lands them."""
        self._fly = fly
        self._in_the_air: dict[PostRef, Flight] = {}
        self._groups: dict[asyncio.Task[None], Sequence[Flight]] = {}

    def __contains__(self, ref: PostRef) -> bool:
        """Whether the post is in flight."""
        return ref in self._in_the_air

    def take_off(self, asked: Sequence[Wanted], lane: Lane) -> list[Flight]:
        """A flight for each, joining those that are in the air already."""
        new = []
        for wanted in asked:
            if wanted.ref not in self._in_the_air:
                flight = self._in_the_air[wanted.ref] = Flight(wanted.ref, wanted.post, lane)
                new.append(flight)
        if new:
            group = asyncio.create_task(self._all_landed(new))
            self._groups[group] = new  # or it might be collected before it is done
            group.add_done_callback(self._disband)
            for flight in new:
                flight.group = group
        return [self._in_the_air[wanted.ref] for wanted in asked]

    async def outcomes(self, flights: Sequence[Flight]) -> list[Outcome]:
        """What became of each, once all have landed."""
        for flight in flights:
            flight.callers += 1
        try:
            return await asyncio.gather(*[asyncio.shield(flight.outcome) for flight in flights])
        finally:
            for flight in flights:
                flight.callers -= 1
                if not flight.callers and not flight.outcome.done():
                    self._abandon(flight)

    def land(self, flight: Flight, outcome: Outcome) -> None:
        """Give the outcome to all who wait for it; only the first counts."""
        if flight.outcome.done():
            return
        if self._in_the_air.get(flight.ref) is flight:
            del self._in_the_air[flight.ref]  # who asks from now on finds it remembered
        flight.outcome.set_result(outcome)

    async def _all_landed(self, flights: Sequence[Flight]) -> None:
        try:
            await self._fly(flights)
        finally:
            for flight in flights:  # whatever went wrong, nobody is left waiting
                self.land(flight, _unexpected())

    def _abandon(self, flight: Flight) -> None:
        """Nobody waits for it any longer; who asks from now on starts anew."""
        del self._in_the_air[flight.ref]
        flight.outcome.cancel()
        group = flight.group
        if group and not any(other.callers for other in self._groups.get(group, ())):
            group.cancel()

    def _disband(self, group: asyncio.Task[None]) -> None:
        del self._groups[group]
        if not group.cancelled() and (error := group.exception()):
            _log.error("inference failed", exc_info=error)


def _unexpected() -> SentiserveError:
    return SentiserveError("something went wrong here; it has been logged")
