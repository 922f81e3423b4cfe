"""How wide text is in a picture, roughly, and names that are cut to fit."""

from itertools import accumulate
from unicodedata import category, east_asian_width

from sentiserve.insights.drawing.markup import shown

SIZE = 13  # of letters; readable on a telephone, where a picture is 360 wide
_NARROW, _BROAD = set("fijlrtI.,:;|!'()[] "), set("mwMW@%")
_CUT = "\N{HORIZONTAL ELLIPSIS}"
_LONGEST = 200  # characters of a name, in tables and lists
_INVISIBLE = "(invisible)"
_FILLERS = set("\u115f\u1160\u2800\u3164\uffa0")  # letters and signs without ink


def width(text: str, size: float = SIZE) -> float:
    """The width of a text; somewhat more than in most fonts."""
    return size * sum(map(_em, text))


def named(*names: str | None) -> str:
    """The first of the names that can be seen, as it is shown in words; far too long ones cut."""
    for name in names:
        kept = " ".join(shown(name or "").split())
        if any(category(c)[0] in "LNPS" and c not in _FILLERS for c in kept[:_LONGEST]):
            half = (_LONGEST - 1) // 2
            return kept if len(kept) <= _LONGEST else f"{kept[:half]}{_CUT}{kept[-half:]}"
    return _INVISIBLE


def shortened(name: str, most: float, size: float = SIZE) -> str:
    """The name on one line; if it is wider than ``most``, its middle is left out."""
    name = " ".join(shown(name).split())
    if width(name, size) <= most:
        return name
    half = (most - width(_CUT, size)) / 2
    return f"{_first(name, half, size)}{_CUT}{_first(name[::-1], half, size)[::-1]}"


def _first(name: str, most: float, size: float) -> str:
    widths = accumulate(size * _em(character) for character in name)
    return name[: sum(1 for so_far in widths if so_far <= most)]


def _em(character: str) -> float:
    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    if east_asian_width(character) in "WF":
        return 1.05
    if character in _NARROW:
        return 0.38
    if character in _BROAD:
        return 0.98
    return 0.7 if character.isupper() else 0.6
