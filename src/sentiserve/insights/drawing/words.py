"""Words in a picture: lines of text, keys to the patterns, and what stands in for a figure."""

from collections.abc import Sequence
from typing import Any

from sentiserve.insights.drawing.dress import FAINT, LINE, Dress
from sentiserve.insights.drawing.figure import Drawing, Figure
from sentiserve.insights.drawing.lettering import shortened, width
from sentiserve.insights.drawing.markup import Element, tag

ROW = 22  # from one line of text to the next
BOX = 14  # a pattern's sample
_BESIDE, _BETWEEN = 6, 18
_LONGEST = 150  # of a label in the key


def words(x: float, y: float, text: str, *, faint: bool = False, **attributes: Any) -> Element:
    """A line of text, standing on ``y``."""
    look = {"class_": "sv-faint", "fill": FAINT} if faint else {}
    return tag("text", text, x=x, y=y, **look, **attributes)


def sample(id_: str, x: float, y: float) -> Element:
    """A box with a pattern, beside a line of text that stands on ``y``."""
    return tag("rect", x=x, y=y - BOX + 2, width=BOX, height=BOX, rx=2, fill=f"url(#{id_})")


def patterns(id_: str, dresses: Sequence[Dress]) -> Element:
    """The definitions of all patterns of a picture; dress ``i`` has the id ``pattern(id_, i)``."""
    return tag("defs", *(dress.swatch(pattern(id_, i)) for i, dress in enumerate(dresses)))


def pattern(id_: str, place: int) -> str:
    """The id of a dress's pattern."""
    return f"{id_}-{place}"


def legend(id_: str, dresses: Sequence[Dress], across: float) -> tuple[list[Element], float]:
    """What each pattern means, in as many lines as it takes; and their height."""
    names = [shortened(dress.name, _LONGEST) for dress in dresses]
    parts: list[Element] = []
    x, y = 0.0, float(BOX)
    for i, name in enumerate(names):
        long = BOX + _BESIDE + width(name)
        if x and x + long > across:
            x, y = 0.0, y + ROW
        parts += [sample(pattern(id_, i), x, y), words(x + BOX + _BESIDE, y, name)]
        x += long + _BETWEEN
    return parts, y + 8


def instead(key: str, title: str, missing: str, remedy: str) -> Figure:
    """What is shown where there is nothing to draw: why, and what to do."""

    def draw(_: str, across: int) -> Drawing:
        lines = [*_lines(missing, across - 40), *_lines(remedy, across - 40)]
        height = 48 + ROW * len(lines)
        frame = tag(
            "rect", x=0.5, y=0.5, width=across - 1, height=height - 1, rx=8, fill="none",
            class_="sv-line", stroke=LINE, stroke_dasharray="5 4",
        )  # fmt: skip
        first = len(_lines(missing, across - 40))
        told = [
            words(across / 2, 40 + ROW * i, line, faint=i >= first, text_anchor="middle")
            for i, line in enumerate(lines)
        ]
        return Drawing(height, [frame, *told])

    return Figure(key, title, f"{missing} {remedy}", draw=draw)


def _lines(text: str, most: float) -> list[str]:
    """The text in lines that are not wider than that."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}") <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(shortened(word, most))
    return lines
