"""Figures as files that are kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sentiserve.api.routes.figures import Drawn
from sentiserve.insights import figures
from sentiserve.insights.figures import Figure
from sentiserve.types import Step, Stretch

LABELS = ("negative", "neutral", "positive")
DAY = Stretch(datetime(2026, 3, 1, tzinfo=UTC), {"negative": 1, "neutral": 2, "positive": 3})
NEXT = Stretch(DAY.start + timedelta(days=1), DAY.counts)


@pytest.fixture
def drawings() -> list[Figure]:
    """What had to be drawn."""
    return []


def test_what_is_shown_again_is_drawn_once(drawings: list[Figure]) -> None:
    """And anew if anything of it is another."""

    def timeline(found: Sequence[Stretch], labels: Sequence[str] = LABELS) -> Figure:
        drawings.append(figures.timeline(found, Step.DAY, labels))
        return drawings[-1]

    drawn = Drawn()
    first = drawn.file("svg", 400, timeline, [DAY])
    assert first == drawn.file("svg", 400, timeline, [DAY])
    assert first.body == drawings[0].svg(400).encode()
    assert len(drawings) == 1
    others = [
        drawn.file("svg", 400, timeline, [DAY, NEXT]),
        drawn.file("svg", 401, timeline, [DAY]),
        drawn.file("json", 400, timeline, [DAY]),
        drawn.file("svg", 400, timeline, [DAY], LABELS[:2]),
    ]
    assert len(drawings) == 5
    assert len({file.body for file in [first, *others]}) == 5


def test_only_the_last_are_kept(drawings: list[Figure]) -> None:
    """Whatever is asked for, it doesn't fill the memory."""

    def timeline(found: Sequence[Stretch]) -> Figure:
        drawings.append(figures.timeline(found, Step.DAY, LABELS))
        return drawings[-1]

    drawn = Drawn()
    for width in [*range(240, 340), 339, 240]:
        drawn.file("svg", width, timeline, [DAY])
    assert len(drawings) == 101  # the last of the hundred was still there, the first wasn't
