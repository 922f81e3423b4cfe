"""The statistics behind drift, held to tables and to chance itself."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.insights.shares import chi_squared_tail, compare, fewer_by_chance, strongest

COUNTS = st.lists(st.integers(0, 5_000), min_size=2, max_size=40)


@pytest.mark.parametrize(
    ("statistic", "freedom", "tail"),
    [
        # Abramowitz and Stegun, 1964, table 26.8.
        (3.84146, 1, 0.05),
        (10.8276, 1, 0.001),
        (5.99147, 2, 0.05),
        (11.0705, 5, 0.05),
        (18.3070, 10, 0.05),
        (29.5883, 10, 0.001),
        (43.7730, 30, 0.05),
        (149.449, 100, 0.001),
    ],
)
def test_the_tail_of_chi_squared_is_that_of_the_tables(
    statistic: float, freedom: int, tail: float
) -> None:
    """Even and odd degrees of freedom, common and rare."""
    assert chi_squared_tail(statistic, freedom) == pytest.approx(tail, rel=2e-4)


def test_the_tail_of_chi_squared_stays_a_probability() -> None:
    """At nothing it is 1, and at very much 0, without an error."""
    assert chi_squared_tail(0, 3) == 1
    assert chi_squared_tail(1e-300, 7) == pytest.approx(1)
    assert chi_squared_tail(1e6, 255) == 0


@pytest.mark.parametrize(
    ("right", "of", "there", "out_of"), [(3, 10, 15, 20), (0, 5, 5, 5), (7, 9, 2, 3)]
)
def test_fishers_test_counts_all_ways(right: int, of: int, there: int, out_of: int) -> None:
    """The same as counting the ways to choose, with whole numbers."""
    every, every_right = of + out_of, right + there
    ways = sum(comb(every_right, k) * comb(every - every_right, of - k) for k in range(right + 1))
    assert fewer_by_chance(right, of, there, out_of) == pytest.approx(ways / comb(every, of))


def test_against_a_large_reference_it_is_the_binomial_test() -> None:
    """Forty right of a hundred, where seven of ten are: as the exact binomial test has it."""
    exact = sum(comb(100, k) * 0.7**k * 0.3 ** (100 - k) for k in range(41))
    assert fewer_by_chance(40, 100, 7_000_000, 10_000_000) == pytest.approx(exact, rel=1e-3)


def test_a_known_table_has_the_known_statistic() -> None:
    """Ten, twenty and thirty of sixty, against the reverse: by hand."""
    found = compare([10, 20, 30], [30, 20, 10])
    assert found.statistic == pytest.approx(20)
    assert found.freedom == 2
    assert found.p_value == pytest.approx(np.exp(-10))


def test_two_bins_are_compared_exactly() -> None:
    """Ten and twenty of thirty, against the reverse: the smaller tail of all ways, twice."""
    found = compare([10, 20], [20, 10])
    assert found.statistic == pytest.approx(20 / 3)
    assert found.p_value == pytest.approx(2 * fewer_by_chance(10, 30, 20, 30))


def test_what_is_rare_in_both_together_is_not_overlooked() -> None:
    """Nobody of 2,000 used emoji, and 37 of 208 do: too few for χ², and beyond chance."""
    found = compare([2000, 0, 0, 0], [171, 31, 5, 1])
    assert found.p_value < 1e-30
    assert found.effect > 0.5


def test_the_effect_is_the_stability_index() -> None:
    """Of large samples, chance adds nothing: half and half that become a fifth and four."""
    found = compare([500_000, 500_000], [200_000, 800_000])
    assert found.effect == pytest.approx(0.3 * np.log(8 / 5) + 0.3 * np.log(5 / 2), rel=1e-3)


def test_chance_alone_has_no_effect_and_seldom_a_small_p() -> None:
    """Two thousand pairs of samples of one population: p-values are even, the effect is none."""
    rng = np.random.default_rng(7)
    shares = np.array([0.4, 0.3, 0.1, 0.1, 0.05, 0.02, 0.02, 0.005, 0.005])
    pairs = [(rng.multinomial(2000, shares), rng.multinomial(500, shares)) for _ in range(2000)]
    found = [compare(one.tolist(), other.tolist()) for one, other in pairs]
    for level in (0.5, 0.1, 0.01):
        share = np.mean([each.p_value < level for each in found])
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / 2000)
    assert max(each.effect for each in found) < 0.1
    assert np.mean([each.effect for each in found]) < 0.005


def test_a_bin_that_the_reference_lacks_is_found() -> None:
    """Another language, say: no post before, most posts now."""
    found = compare([2000, 0, 0], [100, 900, 0])
    assert found.p_value < 1e-100
    assert found.effect > 1


def test_the_strongest_of_many_pays_for_being_chosen() -> None:
    """Five hundred things that changed by chance only: seldom is one called real."""
    rng = np.random.default_rng(11)
    shares = rng.uniform(0.001, 0.2, 512)
    windows = 300
    found = [
        strongest(
            rng.binomial(2000, shares).tolist(), 2000, rng.binomial(500, shares).tolist(), 500
        )
        for _ in range(windows)
    ]
    assert sum(each.p_value < 0.05 for each in found) <= 0.05 * windows + 12


def test_the_strongest_is_the_one_that_changed() -> None:
    """A word that comes up in a fifth of the posts, among others that stay."""
    there, here = [100] * 512, [50] * 512
    here[37] = 200
    found = strongest(there, 2000, here, 1000)
    assert found.bins[0] == 37
    assert found.p_value < 1e-20
    assert found.effect > 0.1


@given(COUNTS, st.data())
def test_any_counts_can_be_compared(there: list[int], data: st.DataObject) -> None:
    """Empty samples, empty bins, single posts: p-values are probabilities, no effect is below 0."""
    size = len(there)
    here = data.draw(st.lists(st.integers(0, 5_000), min_size=size, max_size=size))
    found = compare(there, here)
    assert 0 <= found.p_value <= 1
    assert found.effect >= 0
    assert found.freedom < size
    same = compare(there, there)
    assert same.p_value == pytest.approx(1)
