"""Elements of SVG and HTML; here alone is text escaped.

What is written is well-formed XML and valid HTML at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining

Value = str | int | float
_NO_TEXT = re.compile(  # what XML refuses, other control characters, and turns of direction
    r"[^\t\n\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd"
    r"\U00010000-\U0010fffd]"
)
_MOST_MARKS = 6  # on a character; more are no script's, and would cover the lines around
_EMPTY = {"meta"}  # elements of HTML that have no end
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def shown(text: str) -> str:
    """The text as it can be shown anywhere, whoever wrote it: it stays in its own place."""
    kept = _NO_TEXT.sub("", text)
    return kept if kept.isascii() else "".join(_few_marks(kept))


def _few_marks(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if combining(character) else 0
        if marks <= _MOST_MARKS:
            yield character


@dataclass(frozen=True, slots=True)
class Element:
    """An element with what is in it; its names are ours, its values and texts anybody's."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple["Element | str", ...] = ()

    def __str__(self) -> str:
        """The markup."""
        given = "".join(f' {name}="{_escaped(value)}"' for name, value in self.attributes)
        if self.name in _EMPTY:
            return f"<{self.name}{given}/>"
        inside = "".join(c if isinstance(c, Style) else _markup(c) for c in self.children)
        return f"<{self.name}{given}>{inside}</{self.name}>"


class Style(str):
    """A stylesheet of ours, which is written as it is: HTML knows no escapes there."""

    __slots__ = ()


def tag(name: str, /, *children: Element | str, **attributes: Value | None) -> Element:
    """An element; an attribute ``stroke_width`` is ``stroke-width``, one of None is left out."""
    given = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    return Element(name, tuple((k, _number(v)) for k, v in given if v is not None), children)


def _markup(child: Element | str) -> str:
    return str(child) if isinstance(child, Element) else _escaped(child)


def _escaped(text: str) -> str:
    return shown(text).translate(_ESCAPES)


def _number(value: Value) -> str:
    """To a hundredth, and the same on every machine."""
    if isinstance(value, float):
        return f"{round(value, 2) + 0:g}"
    return str(value)
