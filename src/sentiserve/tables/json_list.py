"""The elements of a JSON list of any length, one by one.

A broken element costs itself alone: reading goes on where the next one begins, which is known by
its first characters, for the elements of a list that a program wrote all begin alike.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_ELEMENT = 1 << 20  # characters; a longer element is broken, not a reason to fill the memory
_SHOWN = 40  # characters of what is no list
_PASSED = 1 << 14  # characters kept behind a broken element
_DEEP = 500  # characters that were nested too deeply, at the least
_OPENING = re.compile(r'\{\s{0,50}"[^"\\]{1,100}"')
_BETWEEN = re.compile(r"[\s,]*")
_END = re.compile(r"\]\s*;?\s*")
# Numbers stay as they are written: they are ids, of any length.
_decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class NoListError(Exception):
    """The text doesn't begin as the list should."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What stands where an element should be, and isn't one."""

    reason: str


class _Text:
    """Text that comes in chunks; an element of the largest size lies before the reader, whole."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._ended = False
        self.seen = ""
        self.at = 0
        self.fill()

    @property
    def over(self) -> bool:
        """Whether everything is read."""
        return self._ended and self.at == len(self.seen)

    def fill(self) -> None:
        """Read on, where not enough lies ahead."""
        ahead = len(self.seen) - self.at
        if self._ended or ahead > MAX_ELEMENT:
            return
        pieces = [self.seen[self.at :]]
        while ahead <= 2 * MAX_ELEMENT and not self._ended:
            piece = next(self._chunks, None)
            self._ended = piece is None
            pieces.append(piece or "")
            ahead += len(pieces[-1])
        self.seen, self.at = "".join(pieces), 0

    def skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go behind what matches here."""
        found = pattern.match(self.seen, self.at)
        self.at = found.end() if found else self.at
        return found

    def drop(self) -> None:
        """Let go of what was passed, for an error looks through all of it for its line's number."""
        if self.at > _PASSED:
            self.seen, self.at = self.seen[self.at :], 0

    def find(self, literal: str) -> None:
        """Go to where it stands next, or to the end."""
        while (found := self.seen.find(literal, self.at)) < 0:
            self.at = max(self.at, len(self.seen) - len(literal) + 1)
            if self._ended:
                self.at = len(self.seen)
                return
            self.fill()
        self.at = found


def elements(chunks: Iterator[str], start: re.Pattern[str]) -> Iterator[Any]:
    """The elements, ``Broken`` in the place of each that can't be read.

    Args:
        chunks: the text, in pieces of any length.
        start: matches all up to the list's first element, the bracket included.

    Raises:
        NoListError: the text doesn't begin so.
    """
    text, opening = _begun(chunks, start)
    while not text.over:
        if text.seen.startswith("]", text.at):
            text.skip(_END)
            if not text.over:
                yield Broken("more follows where the list ends")
                text.find(opening)
            if text.over:
                return
        else:
            yield (element := _element(text, opening))
            if text.over and isinstance(element, Broken):
                return  # it may have been all that was left, the end included
        text.skip(_BETWEEN)
        text.fill()
    yield Broken("the list isn't closed: the file's end is missing, and later posts with it")


def count(chunks: Iterator[str], start: re.Pattern[str]) -> int:
    """How many elements there are, if all begin alike; much faster than reading them.

    Raises:
        NoListError: as for ``elements``.
    """
    text, opening = _begun(chunks, start)
    found = 0
    while True:
        found += text.seen.count(opening, text.at)
        text.at = max(text.at, len(text.seen) - len(opening) + 1)  # behind what can be counted
        before = text.seen
        text.fill()
        if text.seen is before:
            return found


def _begun(chunks: Iterator[str], start: re.Pattern[str]) -> tuple[_Text, str]:
    """The text behind the list's start, and how its elements begin."""
    text = _Text(chunks)
    if not text.skip(start):
        raise NoListError(f"it begins with {text.seen[:_SHOWN]!r}")
    text.skip(_BETWEEN)
    text.fill()
    found = _OPENING.match(text.seen, text.at)
    return text, found[0] if found else '{"'


def _element(text: _Text, opening: str) -> Any:
    begin = text.at
    try:
        element, text.at = _decode(text.seen, begin)
    except json.JSONDecodeError as error:
        # Never back: each character is looked at once, however much is broken.
        text.at = min(max(error.pos, begin + 1), len(text.seen))
        far = text.at - begin >= MAX_ELEMENT
        broken = Broken(_too_long() if far else f"not JSON: {_said(error)}")
    except RecursionError:
        text.at = min(begin + _DEEP, len(text.seen))
        broken = Broken("nested too deeply")
    else:
        return element if text.at - begin <= MAX_ELEMENT else Broken(_too_long())
    text.drop()
    text.find(opening)
    return broken


def _said(error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Unterminated string"):  # its message goes on with the place
        return "a text has no end; later posts may be missing"
    return error.msg


def _too_long() -> str:
    return f"longer than {MAX_ELEMENT:,} characters"
