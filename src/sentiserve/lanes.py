"""What waits for the model, and what goes next: single requests before bulk work."""

import asyncio
import time
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import Any

from sentiserve.timing import Part
from sentiserve.types import Sentiment

_WINDOW = 64  # entries, the oldest of a lane, among which texts of like length are looked for
_TURN = 8  # batches of single requests in a row, after which bulk work that waits has one


_CHARACTERS = 4  # of a token, about


def guessed_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return 2 + len(text) // _CHARACTERS


class Lane(IntEnum):
    """Whom an answer is for."""

    SINGLE = 0  # somebody who waits for this one
    BULK = 1  # a file, a feed, a long list


@dataclass(frozen=True, slots=True)
class Batched:
    """A sentiment, when and how long its text waited, and when and how long it was computed."""

    sentiment: Sentiment
    queue: Part
    model: Part


@dataclass(slots=True, eq=False)
class Entry:
    """A text on its way through the model.

    Attributes:
        tokens: how many the model reads; guessed until it is encoded.
        encoding: what the model reads; None until it is encoded.
        callers: how many wait for the answer.
    """

    text: str
    lane: Lane
    tokens: int
    answer: asyncio.Future[Batched]
    encoding: Any = None
    callers: int = 0
    since: float = field(default_factory=time.perf_counter)


class Lanes:
    """Encoded entries in the order in which they came, by lane.

    Attributes:
        tokens: of all that wait.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.tokens = 0
        self._lanes: dict[Lane, dict[Entry, None]] = {lane: {} for lane in Lane}
        self._turns = 0

    def __len__(self) -> int:
        """How many entries wait."""
        return sum(map(len, self._lanes.values()))

    def __contains__(self, entry: Entry) -> bool:
        """Whether the entry waits here."""
        return entry in self._lanes[entry.lane]

    def add(self, entry: Entry) -> None:
        """Put an entry behind those of its lane."""
        self._lanes[entry.lane][entry] = None
        self.tokens += entry.tokens

    def discard(self, entry: Entry) -> None:
        """Take an entry out, if it waits here."""
        if entry in self:
            del self._lanes[entry.lane][entry]
            self.tokens -= entry.tokens

    def take(self, max_tokens: int) -> list[Entry]:
        """The next batch: the oldest entry and what is most like it in length.

        It has so many tokens at most, with padding; a longer text goes alone.

        Since the oldest is always in it, no text waits for ever for its likes.
        """
        lane = self._lanes[self._next()]
        window = list(islice(lane, _WINDOW))
        batch: list[Entry] = []
        widest = 0
        for entry in sorted(window, key=lambda entry: abs(entry.tokens - window[0].tokens)):
            widest = max(widest, entry.tokens)
            if batch and widest * (len(batch) + 1) > max_tokens:
                break
            batch.append(entry)
        for entry in batch:
            self.discard(entry)
        return batch

    def _next(self) -> Lane:
        single, bulk = self._lanes[Lane.SINGLE], self._lanes[Lane.BULK]
        if not single or (bulk and self._turns >= _TURN):
            self._turns = 0
            return Lane.BULK
        self._turns += 1
        return Lane.SINGLE
