"""What posts looked like when a model's quality was measured: what drift is held against.

Counts alone, of coarse bins: no text, and no word, can be read out of a profile.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Annotated

import msgspec

VERSION = 1  # of what is measured and how: another one makes profiles that can't be compared
OTHER = "other"

BUCKETS = 512  # for words: so few that none tells which word, enough to tell topics apart

Value = float | str

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
_MAX_BINS = 256


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of some texts, in their order.

    Attributes:
        values: by feature, one for each text.
        words: into which of the ``BUCKETS`` the words of each text fall.
    """

    values: Mapping[str, Sequence[Value]]
    words: Sequence[AbstractSet[int]]


Measure = Callable[[Sequence[str]], Measured]


class Kind(StrEnum):
    """What can drift: the posts, what the model says of them, and whether it is right."""

    INPUT = "input"
    PREDICTION = "prediction"
    CONCEPT = "concept"


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How often each value was seen of something that is measured of a post.

    Attributes:
        counts: one for each bin.
        edges: of numbers, the upper end of each bin but the last; the end belongs to the bin.
        names: of what is no number, the value of each bin but the last, which holds all others.
    """

    kind: Kind
    counts: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1, max_length=_MAX_BINS)]
    edges: tuple[float, ...] = ()
    names: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        """Refuse bins that don't fit their counts."""
        if self.edges and self.names:
            raise ValueError("bins have edges or names, not both")
        if len(self.counts) != len(self.edges or self.names) + 1:
            raise ValueError("there must be a count for each bin")
        if [*self.edges] != sorted(set(self.edges)) or len(set(self.names)) < len(self.names):
            raise ValueError("bins must be in order, and each there once")

    @property
    def bins(self) -> tuple[str, ...]:
        """What each bin holds, in words."""
        if not self.edges:
            return (*self.names, OTHER)
        are_whole = all(float(edge).is_integer() for edge in self.edges)
        first = "0" if self.edges[0] == 0 else f"up to {self.edges[0]:.4g}"
        pairs = zip(self.edges, self.edges[1:], strict=False)
        between = (_between(low, high, are_whole=are_whole) for low, high in pairs)
        return (first, *between, f"over {self.edges[-1]:.4g}")

    def tally(self, values: Sequence[Value]) -> tuple[int, ...]:
        """How many of the values fall into each bin."""
        if self.edges:
            found = Counter(bisect_left(self.edges, float(value)) for value in values)
        else:
            place = {name: i for i, name in enumerate(self.names)}
            found = Counter(place.get(str(value), len(place)) for value in values)
        return tuple(found[i] for i in range(len(self.counts)))


def _between(low: float, high: float, *, are_whole: bool) -> str:
    if not are_whole:
        return f"{low:.4g} to {high:.4g}"
    return f"{high:.0f}" if high == low + 1 else f"{low + 1:.0f} to {high:.0f}"


Row = Annotated[tuple[Count, ...], msgspec.Meta(max_length=_MAX_BINS)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The reference of one model: what ``profile.json`` in its bundle says.

    Attributes:
        model: the id of the model whose predictions are counted.
        posts: how many texts it was made from, each counted once.
        features: by name.
        words: how many of the posts have a word in each of the ``BUCKETS``; empty if unknown.
        labels: the model's, in the order of ``confusion``.
        confusion: posts by true label (rows) and predicted one (columns); empty where no truth
            was known, or where there are very many labels.
    """

    version: int
    model: Annotated[str, msgspec.Meta(max_length=64)]
    posts: Count
    features: Annotated[dict[Name, Feature], msgspec.Meta(max_length=64)]
    words: Annotated[tuple[Count, ...], msgspec.Meta(max_length=BUCKETS)] = ()
    labels: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)] = ()
    confusion: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        """Refuse words and a confusion that don't fit the rest."""
        if self.words and (len(self.words) != BUCKETS or max(self.words) > self.posts):
            raise ValueError(f"words need {BUCKETS} counts, of the posts")
        if self.confusion and {len(self.labels)} != {
            len(self.confusion),
            *map(len, self.confusion),
        }:
            raise ValueError("the confusion needs a row and a column for each label")


def posts_with(words: Sequence[AbstractSet[int]]) -> tuple[int, ...]:
    """How many posts have a word in each of the ``BUCKETS``."""
    found = Counter(chain.from_iterable(words))
    return tuple(found[bucket] for bucket in range(BUCKETS))
