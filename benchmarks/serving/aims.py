"""What was asked, what was found, and whether that is enough."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.serving.capacity import IN_TIME

OURS = "sentiserve"
ARTICLE = "the article's design"
BARE = "a bare route"
Rows = Sequence[dict[str, Any]]
Finding = tuple[str, bool]  # in words, and whether it is what was asked
_FLAT = 1.1  # times the memory after the first third of an overload
_SLACK = 8  # MB, below which growth is no growth


def aims(results: dict[str, Any]) -> str:
    """A table of those aims that the figures can tell of."""
    found = Found(results["rows"])
    is_bundled = results["model"]["bundled"]
    lines = []
    for asked, judge, bundled in _AIMS:
        if bundled in (None, is_bundled) and (finding := judge(found)):
            words, met = finding
            lines.append(f"| {asked} | {words} | {'met' if met else '**missed**'} |")
    return "\n".join(["| asked | found | |", "| --- | --- | --- |", *lines]) if lines else ""


class Found:
    """Figures by contender and scenario."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def figure(self, contender: str, scenario: str, name: str) -> float | None:
        """The median of a figure over the rounds."""
        return middle(self.of(contender, scenario), name)

    def of(self, contender: str, scenario: str) -> list[dict[str, Any]]:
        """All rows of a scenario."""
        return [r for r in self._rows if (r["contender"], r["scenario"]) == (contender, scenario)]

    def goodput(self, contender: str, scenario: str) -> float | None:
        """The median over the rounds of the goodput at the highest rate that passed."""
        return middle(capacity(self.of(contender, scenario)), "goodput")

    def best_peer(self, scenario: str) -> tuple[str, float] | None:
        """Whose goodput is the highest, but for ours."""
        names = {row["contender"] for row in self._rows} - {OURS, BARE}
        found = {name: self.goodput(name, scenario) for name in names}
        able = {name: value for name, value in found.items() if value}
        return max(able.items(), key=lambda item: item[1], default=None)


def capacity(rows: Rows) -> list[dict[str, Any]]:
    """Of each round the step that passed at the highest rate; one of zeros if none did."""
    rounds: dict[int, dict[str, Any]] = {}
    for row in rows:
        best = rounds.setdefault(row["round"], {"rate": 0.0, "goodput": 0.0, "p99": None})
        if row["passed"] and row["rate"] > best["rate"]:
            rounds[row["round"]] = row
    return list(rounds.values())


def middle(rows: Rows, name: str) -> float | None:
    """The median of a figure, where there is one."""
    found = [row[name] for row in rows if row.get(name) is not None]
    return median(found) if found else None


def number(value: float) -> str:
    """As many digits as tell something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(found: Found, scenario: str, name: str, other: str, least: float) -> Finding | None:
    ours, theirs = (found.figure(whose, scenario, name) for whose in (OURS, other))
    if not ours or not theirs:
        return None
    words = f"{ours / theirs:.2f} times ({number(ours)} to {number(theirs)})"
    return words, ours >= least * theirs


def _most(words: str, value: float | None, most: float) -> Finding | None:
    return None if value is None else (words.format(value), value <= most)


def _peers(scenario: str, least: float) -> Callable[[Found], Finding | None]:
    def judge(found: Found) -> Finding | None:
        ours, best = found.goodput(OURS, scenario), found.best_peer(scenario)
        if ours is None or best is None:
            return None
        name, theirs = best
        words = f"{ours / theirs:.2f} times {name} ({number(ours)} to {number(theirs)})"
        return words, ours >= least * theirs

    return judge


def _article_p99(found: Found) -> Finding | None:
    ours, theirs = found.figure(OURS, "closed", "p99"), found.figure(ARTICLE, "closed", "p99")
    if not ours or not theirs:
        return None
    return f"a {theirs / ours:.0f}th ({ours:,.0f} to {theirs:,.0f} ms)", 5 * ours <= theirs


def _offline(found: Found) -> Finding | None:
    through = found.figure(OURS, "one by one", "answered")
    rows = found.of(OURS, "offline")
    if not through or not rows:
        return None
    alone = median([figure for row in rows for figure in (row["before"], row["after"])])
    lists = middle(rows, "texts_in_lists") or 0.0
    words = f"{through / alone:.2f} ({through:,.0f} to {alone:,.0f}); in lists {lists / alone:.2f}"
    return words, through >= 0.85 * alone


def _crowd(found: Found) -> Finding | None:
    rows = found.of(OURS, "crowd")
    if not rows:
        return None
    row = rows[-1]
    words = (
        f"{row['answered']:,} answers of {row['requests']:,}, {row['fetches']} fetched, "
        f"{row['inferences']} inferred"
    )
    met = row["answered"] == row["requests"] and row["fetches"] == row["inferences"] == 1
    return words, met


def _accepted(found: Found) -> Finding | None:
    under, calm = (found.figure(OURS, "overload", name) for name in ("p99", "p99_at_80"))
    if not under or not calm:
        return None
    return f"{under / calm:.1f} times ({under:,.0f} to {calm:,.0f} ms)", under <= 2 * calm


def _memory(found: Found) -> Finding | None:
    rows = found.of(OURS, "overload")
    if not rows:
        return None
    used = rows[-1]["memory"]
    settled, end = used[len(used) // 3], used[-1]
    words = f"{used[0]} MB before, {settled} after a third, {end} at the end"
    return words, end <= max(_FLAT * settled, settled + _SLACK)


def _long(found: Found) -> Finding | None:
    among, alone = (found.figure(OURS, "long", name) for name in ("p99", "p99_alone"))
    if not among or not alone:
        return None
    return f"{among / alone:.1f} times ({among:,.0f} to {alone:,.0f} ms)", among <= 2 * alone


def _of_ours(
    scenario: str, name: str, words: str, most: float
) -> Callable[[Found], Finding | None]:
    return lambda found: _most(words, found.figure(OURS, scenario, name), most)


# What is asked; what was found; of the bundled model alone, of another alone, or of any.
_AIMS: tuple[tuple[str, Callable[[Found], Finding | None], bool | None], ...] = (
    (
        "remembered posts, 32 clients: 30 times the article's rate",
        lambda found: _ratio(found, "hits closed", "answered", ARTICLE, 30),
        None,
    ),
    (
        "remembered posts: half the rate of a bare route on the same server",
        lambda found: _ratio(found, "hits closed", "answered", BARE, 0.5),
        None,
    ),
    (
        "remembered posts at 70 % of that: p99 at most 20 ms",
        _of_ours("hits at 70 %", "p99", "{:.1f} ms", 20),
        None,
    ),
    (
        "new texts, 8 clients: 10 times the article's throughput",
        lambda found: _ratio(found, "closed", "answered", ARTICLE, 10),
        False,
    ),
    ("new texts, 8 clients: p99 a fifth of the article's", _article_p99, False),
    (
        f"new texts: 1.5 times the best of the others within {1e3 * IN_TIME:.0f} ms",
        _peers("new", 1.5),
        None,
    ),
    (
        f"Zipf mix: 5 times the best of the others within {1e3 * IN_TIME:.0f} ms",
        _peers("zipf", 5),
        None,
    ),
    ("32 clients: 0.85 of the throughput of `sentiserve model bench`", _offline, True),
    ("1,000 at once for one new post: one fetch, one inference, 1,000 answers", _crowd, None),
    (
        "three times what it can do, for 60 s: refused within 10 ms (p99)",
        _of_ours("overload", "refused_p99", "{:.1f} ms", 10),
        None,
    ),
    ("there: p99 of answers at most twice that at 80 % load", _accepted, None),
    ("there: memory stays flat", _memory, None),
    (
        "there: all is well again within 1 s of the end",
        _of_ours("overload", "recovery_s", "{:.1f} s", 1),
        None,
    ),
    ("a text of 100,000 characters each second: the others' p99 at most doubles", _long, None),
    ("from the command to the first answer: 1 s", _of_ours("start", "s", "{:.2f} s", 1), True),
    ("memory at rest: 200 MB", _of_ours("memory", "at_rest", "{:.0f} MB", 200), True),
)
