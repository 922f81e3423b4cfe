"""Adding up what enters and leaves, at points in time.

The points are in the order of their entities, and each entity's in the order of time. What
happens is put down to the entity's first point that doesn't lie before it, in any order; then
what went before is added up along the points. So nothing but the points is sorted by time.
"""

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


def most_entities(times: Whole) -> int:
    """How many numbers of entities a sweep of points with these times has room for."""
    return 2**62 // _range(times)


class Sweep:
    """Points in time, of entities that are numbered."""

    def __init__(self, entities: Whole, times: Whole) -> None:
        """Take an entity and a time for each point, in their order; see ``most_entities``."""
        self.size = len(entities)
        self._entity, self._time, self._range = entities[0], times.min(), _range(times)
        self._points = self._places(entities, times)
        self._first = np.searchsorted(entities, entities)  # the first point of each point's entity

    def find(self, entities: Whole, times: Whole) -> Whole:
        """For each event its entity's first point not before it; ``size`` if there is none.

        Quick where the events are in the order of their entities.
        """
        found = np.searchsorted(self._points, self._places(entities, times))
        ends = np.append(self._points // self._range, -1)
        found[ends[found] != entities - self._entity] = self.size
        return found

    def so_far(self, changes: Whole) -> Whole:
        """For each point the changes put down to its entity's points up to it; rows are points."""
        totals = np.cumsum(changes, axis=0)
        before = np.vstack([np.zeros_like(totals[:1]), totals[:-1]])
        return totals - before[self._first]

    def _places(self, entities: Whole, times: Whole) -> Whole:
        """Entity and time as one number, in the same order."""
        places: Whole = (entities - self._entity) * self._range
        places += np.clip(times - self._time, 0, self._range - 1)
        return places


def _range(times: Whole) -> int:
    """Of the numbers for times; the last of them is after all points."""
    return int(times.max()) - int(times.min()) + 2 if len(times) else 1
