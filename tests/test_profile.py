"""Profiles count values into bins, and refuse what is none."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.profile import BUCKETS, VERSION, Feature, Kind, Profile, posts_with


@pytest.mark.parametrize(
    ("edges", "bins"),
    [
        ((0, 1, 3), ("0", "1", "2 to 3", "over 3")),
        ((75, 93), ("up to 75", "76 to 93", "over 93")),
        ((0, 0.05, 0.1), ("0", "0 to 0.05", "0.05 to 0.1", "over 0.1")),
    ],
)
def test_bins_are_named_for_people(edges: tuple[float, ...], bins: tuple[str, ...]) -> None:
    """Whole numbers as such; the end of a bin belongs to it."""
    assert Feature(Kind.INPUT, (0,) * len(bins), edges).bins == bins


def test_values_fall_into_their_bins() -> None:
    """Numbers up to an edge, names by themselves, all others into the last."""
    counted = Feature(Kind.INPUT, (0, 0, 0), (1, 3))
    assert counted.tally([0, 1, 2, 3, 4, 100]) == (2, 2, 2)
    named = Feature(Kind.INPUT, (0, 0, 0), names=("a", "b"))
    assert named.bins == ("a", "b", "other")
    assert named.tally(["a", "b", "b", "z"]) == (1, 2, 1)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_every_value_is_counted_once(values: list[float]) -> None:
    """However large or small."""
    assert sum(Feature(Kind.INPUT, (0, 0, 0), (-1.5, 2)).tally(values)) == len(values)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind":"input","counts":[1,2],"edges":[1],"names":["a"]}',
        b'{"kind":"input","counts":[1,2,3],"edges":[1]}',
        b'{"kind":"input","counts":[1,2,3],"edges":[2,1]}',
        b'{"kind":"input","counts":[1,2,3],"names":["a","a"]}',
        b'{"kind":"input","counts":[1,-2],"edges":[1]}',
        b'{"kind":"weather","counts":[1,2],"edges":[1]}',
        b'{"kind":"input","counts":[],"edges":[]}',
    ],
)
def test_bins_that_do_not_fit_are_refused(raw: bytes) -> None:
    """Both kinds, too many counts, no order, twice the same, less than none, none at all."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Feature)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ("a", "b"), "confusion": ((1, 2),)},
        {"labels": ("a", "b"), "confusion": ((1, 2), (1,))},
        {"words": (1, 2)},
        {"words": (3,) * BUCKETS},
    ],
)
def test_a_profile_that_does_not_fit_together_is_refused(change: dict[str, object]) -> None:
    """A confusion without all labels, words of too few buckets or of more posts than there are."""
    profile = {"version": VERSION, "model": "m", "posts": 2, "features": {}}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(profile | change, Profile, strict=False)


def test_posts_with_a_word_are_counted_once_each() -> None:
    """Whatever else they have."""
    counts = posts_with([{0, 5}, {5}, set()])
    assert (counts[0], counts[5], sum(counts), len(counts)) == (1, 2, 3, BUCKETS)
