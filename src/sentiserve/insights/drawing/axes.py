"""Where an axis has its ticks, and what they say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sentiserve.types import Step

_DAY = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)  # a Monday; no span can begin before it
SPANS = (  # into which a time is divided, and what one of them is called
    (timedelta(hours=1), "hour"),
    (timedelta(hours=3), "3 hours"),
    (timedelta(hours=6), "6 hours"),
    (timedelta(hours=12), "12 hours"),
    (_DAY, "day"),
    (7 * _DAY, "week"),
    (28 * _DAY, "4 weeks"),
    (364 * _DAY, "52 weeks"),
)
_BETWEEN = [  # two times on the axis
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 84, 168, 364)),
]


@dataclass(frozen=True, slots=True)
class Span:
    """What a column stands for.

    Attributes:
        name: what one is called.
        step: what was asked for, which may be shorter.
    """

    length: timedelta
    name: str
    step: Step

    @property
    def told(self) -> str:
        """What a column is, and why it isn't what was asked for."""
        is_asked = self.length == self.step.length
        why = "" if is_asked else f"; too long to show by {self.step}"
        return f"by {self.name}{why}"


def span_of(first: datetime, last: datetime, step: Step, most: int) -> Span:
    """The shortest span, not under the step, that divides the time into ``most`` at most."""
    for length, name in SPANS:
        if length >= step.length and (last - first) // length < most:
            return Span(length, name, step)
    years = 1
    while (last - first) // (364 * _DAY * years) >= most:
        years *= 2
    return Span(364 * _DAY * years, f"some {years} years", step)


def beginning(time: datetime, span: timedelta) -> datetime:
    """When the span began that a time is in; weeks begin on Mondays."""
    return _FIRST + (time - _FIRST) // span * span


def heights(highest: int, most: int = 4) -> list[int]:
    """Round numbers from 0 to at least the highest one: by ones, twos, fives and their tens."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * power
            if step * most >= highest:
                return list(range(0, highest + step, step))
        power *= 10


def times(starts: Sequence[datetime], span: timedelta, most: int) -> Iterator[tuple[int, str]]:
    """At which of the columns a time is written, and how: at full hours, days, weeks or years."""
    between = next((b for b in _BETWEEN if b >= span and len(starts) * span <= most * b), None)
    between = between or -(-len(starts) // most) * span
    places = [i for i, start in enumerate(starts) if start == beginning(start, between)]
    before: datetime | None = None
    for place in places or [0]:
        yield place, _written(starts[place], before, span)
        before = starts[place]


def _written(time: datetime, before: datetime | None, span: timedelta) -> str:
    day = f"{time.day} {time:%b}"
    if before is None or before.year != time.year:
        day += f" {time.year}"
    if span >= _DAY:
        return day
    is_new = before is None or before.date() != time.date()
    return f"{day} {time:%H:%M}" if is_new else f"{time:%H:%M}"
