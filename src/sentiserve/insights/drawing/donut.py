"""A donut: the labels' shares of one whole, with a key that tells them in figures."""

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

from sentiserve.insights.drawing.dress import GROUND, Dress
from sentiserve.insights.drawing.figure import Drawing, is_narrow, posts, share
from sentiserve.insights.drawing.lettering import SIZE, shortened, width
from sentiserve.insights.drawing.markup import Element, tag
from sentiserve.insights.drawing.words import BOX, pattern, patterns, sample, words

_OUTER, _INNER = 92.0, 56.0
_ROOM = 2 * _OUTER + 16
_STEP = 34  # from one label to the next
_SHARE, _COUNT = 56, 98


def donut(id_: str, across: int, counts: Mapping[str, int], dresses: Sequence[Dress]) -> Drawing:
    """The ring, with its key beside it or, on a narrow picture, beneath it."""
    total = sum(counts.values())
    narrow = is_narrow(across)
    listed = _STEP * len(dresses)
    height = _ROOM + 8 + listed if narrow else max(_ROOM, listed + 8)
    centre = (across / 2 if narrow else 60 + _OUTER, _ROOM / 2 if narrow else height / 2)
    left = 20.0 if narrow else centre[0] + _OUTER + 60
    top = _ROOM + 8 if narrow else (height - listed) / 2
    most = (across - 40.0 if narrow else 330.0) - BOX - 10 - _SHARE - _COUNT
    parts = [patterns(id_, dresses), *_ring(id_, centre, counts, dresses)]
    for i, dress in enumerate(dresses):
        y = top + _STEP * i + _STEP / 2 + 5
        count = dress.count(counts)
        right = left + BOX + 10 + most
        parts += [
            sample(pattern(id_, i), left, y),
            words(left + BOX + 10, y, shortened(dress.name, most - 8)),
            words(right + _SHARE, y, share(count, total), text_anchor="end", font_weight=600),
            words(right + _SHARE + _COUNT, y, posts(count), faint=True, text_anchor="end"),
        ]
    return Drawing(height, parts)


def _ring(
    id_: str, centre: tuple[float, float], counts: Mapping[str, int], dresses: Sequence[Dress]
) -> list[Element]:
    total = sum(counts.values())
    parts: list[Element] = []
    begin = 0.0
    for i, dress in enumerate(dresses):
        count = dress.count(counts)
        if not count:
            continue
        end = begin + count / total
        shape = tag(
            "path", d=_slice(centre, begin, end), fill=f"url(#{pattern(id_, i)})",
            fill_rule="evenodd", class_="sv-gap", stroke=GROUND, stroke_width=2,
        )  # fmt: skip
        said = f"{dress.name}: {count:,} of {posts(total)} ({share(count, total)})"
        parts.append(tag("g", tag("title", said), shape))
        begin = end
    x, y = centre
    big = min(26.0, 26 * (2 * _INNER - 20) / width(f"{total:,}", 26))
    return [
        *parts,
        words(x, y + 4, f"{total:,}", text_anchor="middle", font_size=big, font_weight=600),
        words(x, y + 8 + SIZE, "post" if total == 1 else "posts", faint=True, text_anchor="middle"),
    ]


def _slice(centre: tuple[float, float], begin: float, end: float) -> str:
    """The outline of a part of the ring; turns are counted clockwise from the top."""
    if end - begin > 1 - 1e-9:
        return f"{_circle(centre, _OUTER)}{_circle(centre, _INNER)}"
    large = int(end - begin > 0.5)
    return (
        f"M{_point(centre, _OUTER, begin)}A{_OUTER:g} {_OUTER:g} 0 {large} 1 "
        f"{_point(centre, _OUTER, end)}L{_point(centre, _INNER, end)}"
        f"A{_INNER:g} {_INNER:g} 0 {large} 0 {_point(centre, _INNER, begin)}Z"
    )


def _circle(centre: tuple[float, float], radius: float) -> str:
    half = f"A{radius:g} {radius:g} 0 0 1 "
    up, down = _point(centre, radius, 0), _point(centre, radius, 0.5)
    return f"M{up}{half}{down}{half}{up}Z"


def _point(centre: tuple[float, float], radius: float, turn: float) -> str:
    x = centre[0] + radius * sin(2 * pi * turn)
    y = centre[1] - radius * cos(2 * pi * turn)
    return f"{x:.2f} {y:.2f}"
