"""Whether two samples fall into the same bins as often: the statistics behind drift."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

_LEAST_EXPECTED = 5.0  # in each cell; Cochran, 1954, *Some methods for strengthening the χ² tests*
_SHOWN = 10  # of many things, those that changed most
_HALF = 0.5  # added to each count, so that no share is zero (Jeffreys' prior)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two samples are from one another.

    Attributes:
        statistic: Pearson's χ², and its degrees of freedom.
        p_value: how often samples of the same population differ as much.
        effect: population stability index, without what chance alone adds to it.
    """

    statistic: float
    freedom: int
    p_value: float
    effect: float


def compare(reference: Sequence[int], window: Sequence[int]) -> Comparison:
    """Compare the counts of two samples, bin by bin.

    Pearson's χ² test of homogeneity, of a table with two rows: the reference is a sample too, and
    its own chance is counted in. Rare bins are put together first, by what both samples have of
    them, so that χ² is a good approximation; of two bins, Fisher's exact test is taken.

    The effect is the population stability index (Siddiqi, 2006, *Credit Risk Scorecards*),
    Σ (w - r) ln(w / r) over the shares of the bins. Samples of one population have
    (bins - 1) (1/m + 1/n) of it on average (Yurdakul, 2018, *Statistical Properties of Population
    Stability Index*); that is taken off.
    """
    table = _dense(reference, window)
    m, n = sum(reference), sum(window)
    freedom = len(table) - 1
    if freedom < 1:
        return Comparison(0.0, 0, 1.0, 0.0)
    statistic = _pearson(table)
    p_value = _either_way(*table) if freedom == 1 else chi_squared_tail(statistic, freedom)
    by_chance = freedom * (1 / m + 1 / n)
    return Comparison(statistic, freedom, p_value, max(0.0, _stability(table) - by_chance))


@dataclass(frozen=True, slots=True)
class Strongest(Comparison):
    """The comparison of the share that changed most.

    Attributes:
        bins: whose share changed most, that one first.
    """

    bins: tuple[int, ...]


def strongest(
    reference: Sequence[int], reference_posts: int, window: Sequence[int], posts: int
) -> Strongest:
    """Compare how many posts have each of many things, of which a post may have several.

    The things of one post depend on one another, so their χ² must not be added up. Each is
    compared by itself, has it or not; the one that changed most is tested by Fisher's exact test,
    two-sided, and its p-value multiplied by the number of things (Bonferroni), for it was chosen.
    """
    pairs = [
        ((r, reference_posts - r), (w, posts - w)) for r, w in zip(reference, window, strict=True)
    ]
    statistics = [_pearson([*zip(there, here, strict=True)]) for there, here in pairs]
    order = sorted(range(len(pairs)), key=lambda i: statistics[i], reverse=True)
    there, here = pairs[order[0]]
    table = [*zip(there, here, strict=True)]
    effect = _stability(table) - (1 / reference_posts + 1 / posts)
    return Strongest(
        statistic=statistics[order[0]],
        freedom=1,
        p_value=min(1.0, _either_way(*table) * len(pairs)),
        effect=max(0.0, effect),
        bins=tuple(order[:_SHOWN]),
    )


def chi_squared_tail(statistic: float, freedom: int) -> float:
    """How often χ² with so many degrees of freedom is as large: exact for whole ones.

    Abramowitz and Stegun, 1964, 26.4.4 and 26.4.5: a sum of positive terms, so that even very
    small tails are right.
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    powers = [freedom / 2 - 1 - i for i in range(freedom // 2)]
    terms = (exp(power * log(half) - half - lgamma(power + 1)) for power in powers)
    return min(1.0, (erfc(sqrt(half)) if freedom % 2 else 0.0) + sum(terms))


def fewer_by_chance(right: int, of: int, reference_right: int, reference_of: int) -> float:
    """How often so few of a sample are right, if it is of the reference's population.

    Fisher's exact test, one-sided (Fisher, 1935, *The Logic of Inductive Inference*): a sum of
    binomial coefficients, which counts in that the reference is a sample too. The larger that is,
    the nearer this comes to the exact binomial test.
    """
    all_right, everything = right + reference_right, of + reference_of
    least = max(0, of - (everything - all_right))
    whole = _log_choose(everything, of)
    ways = (
        exp(_log_choose(all_right, k) + _log_choose(everything - all_right, of - k) - whole)
        for k in range(least, right + 1)
    )
    return min(1.0, sum(ways))


def _either_way(has: tuple[int, int], has_not: tuple[int, int]) -> float:
    """Fisher's exact test, two-sided: the smaller tail, twice."""
    there, here = has[0] + has_not[0], has[1] + has_not[1]
    fewer = fewer_by_chance(has[1], here, has[0], there)
    more = fewer_by_chance(has_not[1], here, has_not[0], there)
    return min(1.0, 2 * min(fewer, more))


def _dense(reference: Sequence[int], window: Sequence[int]) -> list[tuple[int, int]]:
    """The bins, the largest last, with rare ones put together.

    At least five posts are to be expected in each cell, but where that leaves the largest bin and
    all others as one: they are two bins, however rare the others are.
    """
    m, n = sum(reference), sum(window)
    if not m or not n:
        return []
    smaller = min(m, n) / (m + n)
    *others, largest = sorted(zip(reference, window, strict=True), key=sum)
    table: list[tuple[int, int]] = []
    r = w = 0
    for more_r, more_w in others:
        r, w = r + more_r, w + more_w
        if (r + w) * smaller >= _LEAST_EXPECTED:
            table.append((r, w))
            r = w = 0
    if r + w:
        last_r, last_w = table.pop() if table else (0, 0)
        table.append((last_r + r, last_w + w))
    return [*table, largest]


def _pearson(table: Sequence[tuple[int, int]]) -> float:
    """Pearson's χ² of two samples; what neither has adds nothing."""
    m, n = sum(r for r, _ in table), sum(w for _, w in table)
    return sum((r * n - w * m) ** 2 / ((r + w) * m * n) for r, w in table if r + w)


def _stability(table: Sequence[tuple[int, int]]) -> float:
    m = sum(r for r, _ in table) + _HALF * len(table)
    n = sum(w for _, w in table) + _HALF * len(table)
    shares = (((r + _HALF) / m, (w + _HALF) / n) for r, w in table)
    return sum((w - r) * log(w / r) for r, w in shares)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
