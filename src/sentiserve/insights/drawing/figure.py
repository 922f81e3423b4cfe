"""A figure: a picture, what it shows in words, and the table behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sentiserve.insights.drawing.dress import GROUND, INK
from sentiserve.insights.drawing.lettering import SIZE
from sentiserve.insights.drawing.markup import Element, tag

WIDE, NARROW = 720, 360
_LEAST = 300  # wide; on less, the same is drawn smaller
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is in a picture, and how high that is."""

    height: float
    parts: Sequence[Element]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture that adapts to its place, and the same for whoever doesn't see it.

    Attributes:
        key: what tells it from the other figures of a page.
        title: what it is of.
        description: what is to be seen, in words.
        columns: the heads of the table behind it.
        rows: the table; its first column says of what a row is, the others are figures.
    """

    key: str
    title: str
    description: str
    columns: tuple[str, ...] = field(default=(), repr=False)
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    draw: Callable[[str, int], Drawing] = field(kw_only=True, repr=False)

    def svg(self, width: int = WIDE, *, ground: bool = False) -> str:
        """The picture; it has no styles but classes, which ``stylesheet()`` defines.

        Args:
            width: of the place where it will be seen, in CSS pixels: ``WIDE``, or ``NARROW`` for
                telephones. Letters are readable down to nine tenths of it.
            ground: on white, for places that have a ground of their own and no stylesheet.
        """
        return str(self.element(width, ground=ground))

    def element(self, width: int = WIDE, *, ground: bool = False) -> Element:
        """The picture, to be put into others' markup."""
        width = max(width, _LEAST)
        id_ = f"sv-{self.key}-{width}"
        drawing = self.draw(id_, width)
        height = round(drawing.height)
        paper = tag("rect", width=width, height=height, fill=GROUND)
        return tag(
            "svg",
            tag("title", self.title, id=f"{id_}-title"),
            tag("desc", self.description, id=f"{id_}-desc"),
            *([paper] if ground else []),
            *drawing.parts,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width} {height}",
            width=width,
            height=height,
            class_="sv-figure sv-text",
            role="img",
            aria_labelledby=f"{id_}-title {id_}-desc",
            font_family=_FONT,
            font_size=SIZE,
            fill=INK,
        )

    def table(self) -> Element | None:
        """The table behind it, in HTML; None if there is none."""
        if not self.rows:
            return None
        head = [tag("th", column, scope="col") for column in self.columns]
        body = [
            tag("tr", tag("th", tag("bdi", first), scope="row"), *(tag("td", c) for c in rest))
            for first, *rest in self.rows
        ]
        return tag(
            "table",
            tag("caption", self.title),
            tag("thead", tag("tr", *head)),
            tag("tbody", *body),
            class_="sv-table",
        )

    def _repr_svg_(self) -> str:
        """As notebooks show it, also where they are only looked at."""
        return self.svg(ground=True)


def is_narrow(across: float) -> bool:
    """Whether there is no room for words beside what is drawn."""
    return across < (NARROW + WIDE) / 2


def key_of(kind: str, name: str | None) -> str:
    """A figure's key: names come from outside, so they are digested."""
    if name is None:
        return kind
    return f"{kind}-{sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def share(count: int, of: int) -> str:
    """A count as a percentage."""
    return percent(count / of)


def percent(part: float) -> str:
    """A part of 1 as a percentage, to a tenth where it would seem to be none or all."""
    digits = 1 if 0 < part < 0.01 or 0.99 < part < 1 else 0
    return f"{100 * part:.{digits}f}\N{NO-BREAK SPACE}%"


def posts(count: int) -> str:
    """How many posts."""
    return f"{count:,}\N{NO-BREAK SPACE}post{'' if count == 1 else 's'}"
