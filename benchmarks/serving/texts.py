"""Texts as long as tweets are, made up of words from the bundled sample."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from sentiserve.tables import read_rows

# Characters of the 49,569 English tweets of SemEval's sentiment tasks, 2013 to 2016 (Rosenthal,
# Farra and Nakov, "SemEval-2017 Task 4: Sentiment Analysis in Twitter"), as posted: at these
# shares of all tweets their lengths are at most these. Half of them come close to the limit,
# which was 140 then; HTML escapes go beyond it. Texts of these lengths have as many tokens:
# 30.3 with the bundled tokenizer on average, where tweets have 29.6.
_SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_TWEETS = (1, 44, 62, 74, 91, 104, 115, 125, 132, 136, 138, 140, 143, 152, 200)
CATALOGUE = 100_000  # posts that the Zipf mix is about
NEW_POST = 2 * CATALOGUE  # the number of a post that no store remembers
REMEMBERED = 10_000  # the most popular of them, asked for before the load begins
_EXPONENT = 1.0


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long texts are: lengths in characters at shares of all texts, linear in between."""

    shares: Sequence[float] = _SHARES
    characters: Sequence[float] = _TWEETS

    @classmethod
    def of(cls, file: Path) -> "Lengths":
        """Those of the column ``text`` of a file; nothing else of it is used."""
        found = [len(row.values["text"]) for row in read_rows(file)]
        shares = np.linspace(0, 1, 101)
        return cls(shares.tolist(), np.quantile(found, shares).tolist())

    def draw(self, random_: random.Random) -> int:
        """One of them."""
        return max(1, round(float(np.interp(random_.random(), self.shares, self.characters))))


class Texts:
    """Texts by number, always the same ones; no two are alike but very short ones."""

    def __init__(self, lengths: Lengths, seed: int = 0) -> None:
        self._lengths = lengths
        self._seed = seed
        self._words = _words()

    def __getitem__(self, number: int) -> str:
        """The text of that number."""
        draw = random.Random(f"{self._seed}/{number}")
        return self.of_length(self._lengths.draw(draw), draw)

    def of_length(self, characters: int, draw: random.Random) -> str:
        """Words up to exactly that length."""
        text = " ".join(draw.choices(self._words, k=2 + characters // 4))
        while len(text) < characters:
            text += " " + draw.choice(self._words)
        return text[:characters].rstrip().ljust(characters, ".")

    def new(self) -> Iterator[str]:
        """One after the other, none that the Zipf mix knows."""
        number = CATALOGUE
        while True:
            yield self[number]
            number += 1


def popular(seed: int) -> Iterator[int]:
    """Numbers of the catalogue by Zipf's law: the nth is asked for an nth as often."""
    weights = 1 / np.arange(1, CATALOGUE + 1) ** _EXPONENT
    shares = np.cumsum(weights) / weights.sum()
    draw = np.random.default_rng(seed)
    while True:
        yield from np.searchsorted(shares, draw.random(1000)).tolist()


def _words() -> list[str]:
    lines = (resources.files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8")
    return [word for line in lines.splitlines() for word in json.loads(line)["text"].split()]
