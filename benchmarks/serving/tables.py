"""What was measured as Markdown, put between two marks of a page.

python -m benchmarks.serving.tables var/bench/results.json docs/benchmarks.md
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
_OURS = "sentiserve"
_NONE = "-"
Rows = Sequence[dict[str, Any]]


def main() -> None:
    """Write the tables into the page."""
    results, page = map(Path, sys.argv[1:])
    found = tables(json.loads(results.read_text()))
    page.write_text(between(page.read_text("utf-8"), found), "utf-8")


def between(page: str, found: str) -> str:
    """The page with something else between the marks.

    Raises:
        ValueError: it has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{found.strip()}\n\n{END}{after}"


def tables(results: dict[str, Any]) -> str:
    """All of it."""
    rows, model, plan = results["rows"], results["model"], results["plan"]
    names = list(results["contenders"])
    facts = (
        f"{results['machine']}; model {model['name']} ({model['format']}), {results['threads']} "
        f"threads; text lengths: {results['lengths']}; medians of {plan['rounds']} rounds, "
        f"{plan['step']:g} s for each rate."
    )
    sections = [
        facts,
        _table("New texts, and the Zipf mix", _CAPACITY, names, rows),
        _compared(names, rows),
        _table("Posts that are remembered, by URL", _HITS, names, rows),
        _table("Three times what it can do", _OVERLOAD, names, rows),
        _table("One text of 100,000 characters each second among short ones", _LONG, names, rows),
        _table("All at once for one new post", _CROWD, names, rows),
        _table("What each ran", [("", lambda n, _: results["contenders"][n]["runs"])], names, rows),
        "".join(f"- Left out: {n}: {w.splitlines()[0]}\n" for n, w in results["left_out"].items()),
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"


Cell = Callable[[str, Rows], Any]  # of a contender's name and its rows


def capacity(rows: Rows, scenario: str) -> list[dict[str, Any]]:
    """Of each round the step that passed at the highest rate; one of zeros if none did."""
    rounds: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["scenario"] == scenario:
            best = rounds.setdefault(row["round"], {"rate": 0.0, "goodput": 0.0, "p99": None})
            if row["passed"] and row["rate"] > best["rate"]:
                rounds[row["round"]] = row
    return list(rounds.values())


def goodput(scenario: str) -> Cell:
    """Answers a second in time, at the highest rate at which 99 % of all are."""
    return lambda _, rows: _median(capacity(rows, scenario), "goodput")


def figure(scenario: str, name: str) -> Cell:
    """The median of a figure over the rounds."""
    return lambda _, rows: _median([r for r in rows if r["scenario"] == scenario], name)


def _p99(scenario: str) -> Cell:
    return lambda _, rows: _median(capacity(rows, scenario), "p99")


def _median(rows: Rows, name: str) -> float | None:
    found = [row[name] for row in rows if row.get(name) is not None]
    return median(found) if found else None


def _share(name: str) -> Cell:
    def cell(_: str, rows: Rows) -> str | None:
        for row in rows:
            if row["scenario"] == "overload":
                return f"{100 * row[name] / max(1, row['offered'] * row['seconds']):.0f} %"
        return None

    return cell


def _texts(scenario: str, template: str) -> Cell:
    def cell(_: str, rows: Rows) -> str | None:
        found = [row for row in rows if row["scenario"] == scenario]
        return template.format(**found[-1]) if found else None

    return cell


_CAPACITY: list[tuple[str, Cell]] = [
    ("new texts/s within 100 ms", goodput("new")),
    ("p99 there, ms", _p99("new")),
    ("8 clients: texts/s", figure("closed", "answered")),
    ("their p99, ms", figure("closed", "p99")),
    ("32 clients: texts/s", figure("many", "answered")),
    ("Zipf mix/s within 100 ms", goodput("zipf")),
    ("memory at rest, MB", figure("memory", "at_rest")),
    ("start, s", figure("start", "s")),
]
_HITS: list[tuple[str, Cell]] = [
    ("32 clients: posts/s", figure("hits closed", "answered")),
    ("posts/s within 100 ms", goodput("hits")),
    ("p50 at 70 % of that, ms", figure("hits at 70 %", "p50")),
    ("p99, ms", figure("hits at 70 %", "p99")),
    ("generator late by (p99), ms", figure("hits at 70 %", "lag_p99")),
]
_OVERLOAD: list[tuple[str, Cell]] = [
    ("offered/s", figure("overload", "offered")),
    ("answered in the end/s", figure("overload", "answered")),
    ("of these within 100 ms", figure("overload", "goodput")),
    ("refused", _share("refused")),
    ("failed or late", _share("failed")),
    ("refusals' p99, ms", figure("overload", "refused_p99")),
    ("answers' p99, ms", figure("overload", "p99")),
    ("p99 at 80 %, ms", figure("overload", "p99_at_80")),
    ("memory, MB", _texts("overload", "{memory_before} to {memory_after}")),
    ("full speed after, s", figure("overload", "recovery_s")),
]
_LONG: list[tuple[str, Cell]] = [
    ("texts/s", figure("long", "rate")),
    ("p99 without, ms", figure("long", "p99_alone")),
    ("p99 with, ms", figure("long", "p99")),
    ("failed", figure("long", "failed")),
    ("status of the long ones", _texts("long", "{long}")),
]
_CROWD: list[tuple[str, Cell]] = [
    ("answered", _texts("crowd", "{answered} of {requests}")),
    ("the last after, s", figure("crowd", "last_s")),
    ("inferences", figure("crowd", "inferences")),
]


def _table(title: str, columns: list[tuple[str, Cell]], names: list[str], rows: Rows) -> str:
    lines = []
    for name in names:
        own = [row for row in rows if row["contender"] == name]
        cells = [cell(name, own) for _, cell in columns]
        if any(cell is not None for cell in cells):
            lines.append([name, *map(_shown, cells)])
    if not lines:
        return ""
    head = ["", *[column for column, _ in columns]]
    body = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
    return f"### {title}\n\n{body}"


def _shown(value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, float | int):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


def _compared(names: list[str], rows: Rows) -> str:
    """Ours to the best of the others."""
    lines = []
    for scenario, title in (("new", "New texts"), ("zipf", "The Zipf mix")):
        found = {
            name: goodput(scenario)(name, [row for row in rows if row["contender"] == name])
            for name in names
        }
        others = {name: value for name, value in found.items() if value and name != _OURS}
        if others and found.get(_OURS):
            best = max(others, key=others.__getitem__)
            ratio = found[_OURS] / others[best]
            lines.append(f"- {title}: sentiserve has {ratio:.2f} times the goodput of {best}.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
