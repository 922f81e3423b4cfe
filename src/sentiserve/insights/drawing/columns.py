"""Stacked columns: posts over time, by label; a time without posts is a gap."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sentiserve.insights.drawing.axes import Span, heights, times
from sentiserve.insights.drawing.dress import LINE, Dress
from sentiserve.insights.drawing.figure import Drawing, posts
from sentiserve.insights.drawing.lettering import width
from sentiserve.insights.drawing.markup import Element, tag
from sentiserve.insights.drawing.words import legend, pattern, patterns, words

_HIGH = 170.0
_SMALL = 12
_WIDEST = 34  # of a column
_LABEL = 104  # between two times on the axis


def columns(
    id_: str,
    across: int,
    stretches: Mapping[datetime, Mapping[str, int]],
    span: Span,
    dresses: Sequence[Dress],
) -> Drawing:
    """A column for each span of time that has posts, between the first and the last one.

    What a column stands for is written below.
    """
    key, top = legend(id_, dresses, across)
    top += 14
    starts = list(_each(min(stretches), max(stretches), span.length))
    ticks = heights(max(sum(counts.values()) for counts in stretches.values()))
    left = width(f"{ticks[-1]:,}", _SMALL) + 10
    step = (across - left) / len(starts)
    lines = [_tick(left, across, top, tick, ticks[-1]) for tick in ticks]
    drawn = []
    for place, start in enumerate(starts):
        if start in stretches:
            wide = min(step * 0.86, _WIDEST)
            x = left + step * (place + 0.5) - wide / 2
            box = (x, top + _HIGH, wide, _HIGH / ticks[-1])
            when = f"{span.name} from {start:%Y-%m-%d %H:%M} UTC"
            drawn.append(_column(id_, box, (when, stretches[start]), dresses))
    most = max(2, int((across - left) // _LABEL))
    below = [
        _time(left + step * (place + 0.5), top + _HIGH + 20, text, (left, across))
        for place, text in times(starts, span.length, most)
    ]
    unit = words(left, top + _HIGH + 40, span.told, faint=True, font_size=_SMALL)
    parts = [patterns(id_, dresses), *key, *lines, *drawn, *below, unit]
    return Drawing(top + _HIGH + 50, parts)


def _each(first: datetime, last: datetime, span: timedelta) -> list[datetime]:
    return [first + i * span for i in range((last - first) // span + 1)]


def _tick(left: float, right: float, top: float, tick: int, highest: int) -> Element:
    y = top + _HIGH * (1 - tick / highest)
    line = tag(
        "path", d=f"M{left:.2f} {y:.2f}H{right:.2f}", class_="sv-line", stroke=LINE, stroke_width=1
    )
    said = words(left - 6, y + 4, f"{tick:,}", faint=True, text_anchor="end", font_size=_SMALL)
    return tag("g", line, said)


def _time(x: float, y: float, text: str, room: tuple[float, float]) -> Element:
    """A time under its column, or as near as it has room for."""
    half = width(text, _SMALL) / 2
    x = min(max(x, room[0] + half - 10), room[1] - half)
    return words(x, y, text, faint=True, text_anchor="middle", font_size=_SMALL)


def _column(
    id_: str,
    box: tuple[float, float, float, float],
    stretch: tuple[str, Mapping[str, int]],
    dresses: Sequence[Dress],
) -> Element:
    x, y, wide, scale = box
    when, counts = stretch
    said = ", ".join(f"{d.name} {d.count(counts):,}" for d in dresses if d.count(counts))
    parts = [tag("title", f"{when}: {posts(sum(counts.values()))}; {said}")]
    for i, dress in enumerate(dresses):
        if high := dress.count(counts) * scale:
            seen = max(high - 1, 0.75)
            fill = f"url(#{pattern(id_, i)})"
            parts.append(tag("rect", x=x, y=y - seen, width=wide, height=seen, fill=fill))
            y -= high
    return tag("g", *parts)
