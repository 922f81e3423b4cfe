"""What was measured as Markdown, put between two marks of a page.

python -m benchmarks.serving.tables docs/benchmarks.md TITLE=var/bench/results.json ...
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.serving.aims import Found, Rows, aims, capacity, middle, number

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
_NONE = "-"


def main() -> None:
    """Write the tables into the page."""
    page, *named = sys.argv[1:]
    sections = []
    for title, _, file in (name.rpartition("=") for name in named):
        found = tables(json.loads(Path(file).read_text()))
        sections.append(f"### {title}\n\n{found.replace('### ', '#### ')}")
    text = between(Path(page).read_text("utf-8"), "\n".join(sections))
    Path(page).write_text(text, "utf-8")


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
    rounds = max((row["round"] for row in rows), default=0)
    facts = (
        f"{results['machine']}; model {model['name']} ({model['format']}); "
        f"text lengths: {results['lengths']}; medians of {rounds} rounds, "
        f"{plan['step']:g} s for each rate."
    )
    sections = [
        facts + _disturbed(rows),
        aims(results),
        _table("New texts, and the Zipf mix", _CAPACITY, names, rows),
        _table("Posts that are remembered, by URL", _HITS, names, rows),
        _table("What an answer takes of a core", _COST, names, rows),
        _table("As much as it takes, beside the model alone", _OFFLINE, names, rows),
        _table("Three times what it can do", _OVERLOAD, names, rows),
        _table("One text of 100,000 characters each second among short ones", _LONG, names, rows),
        _table("All at once for one new post", _CROWD, names, rows),
        _table("What each ran", [("", lambda n, _: results["contenders"][n]["runs"])], names, rows),
        "".join(f"- Left out: {n}: {w.splitlines()[0]}\n" for n, w in results["left_out"].items()),
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"


def _disturbed(rows: Rows) -> str:
    shares = sorted(row["share"] for row in rows if row["scenario"] == "others")
    if not shares:
        return ""
    middle_, most = (100 * shares[i] for i in (len(shares) // 2, -1))
    return (
        f" Meanwhile other programs took {middle_:.0f} % of the machine in the median of all "
        f"turns, and {most:.0f} % at the most."
    )


Cell = Callable[[str, Rows], Any]  # of a contender's name and its rows


def goodput(scenario: str) -> Cell:
    """Answers a second in time, at the highest rate at which 99 % of all are."""
    return lambda name, rows: Found(rows).goodput(name, scenario)


def figure(scenario: str, figure_: str) -> Cell:
    """The median of a figure over the rounds."""
    return lambda name, rows: Found(rows).figure(name, scenario, figure_)


def _p99(scenario: str) -> Cell:
    return lambda name, rows: middle(capacity(Found(rows).of(name, scenario)), "p99")


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


def _others(name: str, rows: Rows) -> str | None:
    share = figure("others", "share")(name, rows)
    return None if share is None else f"{100 * share:.0f} %"


_CAPACITY: list[tuple[str, Cell]] = [
    ("new texts/s within 100 ms", goodput("new")),
    ("p99 there, ms", _p99("new")),
    ("8 clients: texts/s", figure("closed", "answered")),
    ("their p99, ms", figure("closed", "p99")),
    ("Zipf mix/s within 100 ms", goodput("zipf")),
    ("memory at rest, MB", figure("memory", "at_rest")),
    ("start, s", figure("start", "s")),
    ("other programs meanwhile", _others),
]
_HITS: list[tuple[str, Cell]] = [
    ("32 clients: posts/s", figure("hits closed", "answered")),
    ("posts/s within 100 ms", goodput("hits")),
    ("p50 at 70 % of the former, ms", figure("hits at 70 %", "p50")),
    ("p99, ms", figure("hits at 70 %", "p99")),
    ("generator late by (p99), ms", figure("hits at 70 %", "lag_p99")),
    ("generator, of a core, at 32 clients", figure("hits closed", "generator")),
]
_COST: list[tuple[str, Cell]] = [
    ("a new text, ms", figure("cost of a new text", "cpu_ms")),
    ("of these a second, 8 clients", figure("cost of a new text", "answered")),
    ("a remembered post, ms", figure("cost of a remembered post", "cpu_ms")),
    ("of these a second, 32 clients", figure("cost of a remembered post", "answered")),
]
_OFFLINE: list[tuple[str, Cell]] = [
    ("32 clients, one text each: texts/s", figure("one by one", "answered")),
    ("3 clients, lists of 32: texts/s", figure("offline", "texts_in_lists")),
    ("`model bench` before", figure("offline", "before")),
    ("and after", figure("offline", "after")),
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
    (
        "memory before, in thirds, MB",
        _texts("overload", "{memory[0]}, {memory[4]}, {memory[8]}, {memory[12]}"),
    ),
    ("well again after, s", figure("overload", "recovery_s")),
    ("generator late by (p99), ms", figure("overload", "lag_p99")),
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
    ("fetched", figure("crowd", "fetches")),
    ("inferred", figure("crowd", "inferences")),
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
        return number(value)
    return str(value)


if __name__ == "__main__":
    main()
