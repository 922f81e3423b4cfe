"""Stacked bars: the labels' shares, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentiserve.insights.drawing.dress import Dress
from sentiserve.insights.drawing.figure import Drawing, is_narrow, posts, share
from sentiserve.insights.drawing.lettering import shortened, width
from sentiserve.insights.drawing.markup import Element, tag
from sentiserve.insights.drawing.words import legend, pattern, patterns, words

_THICK, _GAP = 20, 1.5
_SMALL = 12
_NAMES, _COUNTS = 210, 80  # the columns beside the bars of a wide picture


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its name as it is shown, its full name, and posts per label."""

    name: str
    full_name: str
    counts: Mapping[str, int]

    @property
    def posts(self) -> int:
        """How many posts."""
        return sum(self.counts.values())


def bars(id_: str, across: int, rows: Sequence[Bar], dresses: Sequence[Dress]) -> Drawing:
    """The rows under a legend; on a narrow picture each name stands above its bar."""
    key, top = legend(id_, dresses, across)
    parts = [patterns(id_, dresses), *key]
    step = 48 if is_narrow(across) else 30
    for place, row in enumerate(rows):
        y = top + 8 + place * step
        total = row.posts
        if is_narrow(across):
            name = shortened(row.name, across - _COUNTS)
            said = [words(0, y + 13, name), _count(across, y + 13, total)]
            x, y, long = 0.0, y + 19, float(across)
        else:
            said = [
                words(0, y + 15, shortened(row.name, _NAMES - 12)),
                _count(across, y + 15, total),
            ]
            x, long = float(_NAMES), float(across - _NAMES - _COUNTS)
        stack = _stack(id_, (x, y, long), row, dresses)
        told = tag("title", f"{row.full_name}: {posts(total)}")
        parts.append(tag("g", told, *said, *stack))
    return Drawing(top + 8 + len(rows) * step, parts)


def _count(x: float, y: float, total: int) -> Element:
    return words(x, y, posts(total), faint=True, text_anchor="end")


def _stack(
    id_: str, place: tuple[float, float, float], row: Bar, dresses: Sequence[Dress]
) -> list[Element]:
    x, y, long = place
    total = row.posts
    parts: list[Element] = []
    for i, dress in enumerate(dresses):
        count = dress.count(row.counts)
        if not count:
            continue
        wide = long * count / total
        seen = max(wide - _GAP, 0.75)
        box = tag(
            "rect", x=x, y=y, width=seen, height=_THICK, rx=2, fill=f"url(#{pattern(id_, i)})"
        )
        said = share(count, total)
        told = tag("title", f"{row.full_name}: {dress.name} {count:,} of {posts(total)} ({said})")
        fits = width(said, _SMALL) + 8 <= wide
        on_it = _on(dress, x + seen / 2, y, said) if fits else []
        parts.append(tag("g", told, box, *on_it))
        x += wide
    return parts


def _on(dress: Dress, x: float, y: float, said: str) -> list[Element]:
    """Words in the middle of a box, on a plain ground."""
    wide = width(said, _SMALL) + 4
    ground = tag("rect", x=x - wide / 2, y=y + 2, width=wide, height=_THICK - 4, **dress.colour)
    standing = y + _THICK / 2 + 0.36 * _SMALL
    text = tag(
        "text", said, x=x, y=standing, text_anchor="middle", font_size=_SMALL, font_weight=600,
        **dress.words,
    )  # fmt: skip
    return [ground, text]
