"""What tells labels apart in a picture: a colour, a pattern and a word each.

Colours: the hues of Okabe and Ito, "Color Universal Design" (2008), which people with any colour
vision tell apart, made darker on white and lighter on black until each stands out from the ground
by 3 to 1, and the words on it by 4.5 to 1 (WCAG 2.2). ``figures.css`` has them as classes; those
here are for where no stylesheet is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sentiserve.insights.drawing.markup import Element, tag

INK, FAINT, LINE, GROUND = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
HUES = {
    "negative": "#b84a00",
    "neutral": "#8c8c8c",
    "positive": "#0067a3",
    "a": "#0067a3",
    "b": "#b84a00",
    "c": "#007a5a",
    "d": "#946300",
    "e": "#9c3f76",
    "f": "#5f6b7a",
}
_ON = {"neutral": INK}  # the colour of words on a hue, where it isn't the ground's
_TILE = 8
_PATTERNS = {  # marks on a tile
    "plain": "",
    "rising": "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    "dotted": "M4 4h.01M0 0h.01M8 0h.01M0 8h.01M8 8h.01",
    "falling": "M-2 6L2 10M0 0L8 8M6 -2L10 2",
    "upright": "M4 0V8",
    "level": "M0 4H8",
    "crossed": "M0 4H8M4 0V8",
}
_SENTIMENT = {
    "negative": ("negative", "rising"),
    "neutral": ("neutral", "dotted"),
    "positive": ("positive", "plain"),
}
_OTHERS = "abcdef"
_MOST = 7  # labels told apart in one picture


@dataclass(frozen=True, slots=True)
class Dress:
    """How a label looks; the rarest of many share one dress."""

    name: str
    labels: tuple[str, ...]
    hue: str
    pattern: str

    def count(self, counts: Mapping[str, int]) -> int:
        """How many posts of these labels there are."""
        return sum(counts.get(label, 0) for label in self.labels)

    @property
    def colour(self) -> dict[str, str]:
        """What gives a shape the plain colour."""
        return {"class_": f"sv-{self.hue}", "fill": HUES[self.hue]}

    @property
    def words(self) -> dict[str, str]:
        """What gives words a colour that is readable on the plain one."""
        return {"class_": f"sv-on-{self.hue}", "fill": _ON.get(self.hue, GROUND)}

    def swatch(self, id_: str) -> Element:
        """The definition of the pattern, to be used as ``fill``."""
        marks = tag(
            "path",
            d=_PATTERNS[self.pattern],
            class_="sv-mark",
            stroke=GROUND,
            stroke_width=2 if self.pattern == "dotted" else 1.2,
            stroke_linecap="round",
        )
        return tag(
            "pattern",
            tag("rect", width=_TILE, height=_TILE, **self.colour),
            *([marks] if self.pattern != "plain" else []),
            id=id_,
            width=_TILE,
            height=_TILE,
            patternUnits="userSpaceOnUse",
        )


def dresses(labels: Sequence[str], counted: Iterable[Mapping[str, int]]) -> list[Dress]:
    """A dress for each of the labels, in their order; the same in every figure of a model.

    Of more labels than can be told apart, the rarest share the last one.
    """
    if len(labels) <= _MOST:
        return [_dress(i, label) for i, label in enumerate(labels)]
    totals = dict.fromkeys(labels, 0)
    for counts in counted:
        for label in labels:
            totals[label] += counts.get(label, 0)
    most = set(sorted(labels, key=lambda label: -totals[label])[: _MOST - 1])
    rest = tuple(label for label in labels if label not in most)
    own = [_dress(i, label) for i, label in enumerate(labels) if label in most]
    return [*own, Dress(f"{len(rest)} others", rest, "neutral", "crossed")]


def _dress(place: int, label: str) -> Dress:
    if label in _SENTIMENT:
        return Dress(label, (label,), *_SENTIMENT[label])
    kinds = list(_PATTERNS)
    pattern = kinds[place % len(kinds)]
    hue = _OTHERS[(place + place // len(kinds)) % len(_OTHERS)]
    return Dress(label, (label,), hue, pattern)
