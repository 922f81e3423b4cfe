"""A picture of goodput against p99: every rate that was tried with new texts."""

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

_STYLE: Any = {
    "svg.hashsalt": "sentiserve",  # the same figures give the same file
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 10,
}
_COLOURS = ("#2f6fb3", "#b3402f", "#9aa7b4", "#7a5ea8", "#c08a2b", "#3f8f5f", "#6b6b6b", "#111111")
_IN_TIME = 100  # ms


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw a line for each contender, from its lowest rate to its highest."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 4.6), layout="constrained")
        axes = figure.subplots()
        for name, colour in zip(results["contenders"], _COLOURS, strict=False):
            if points := _points(results["rows"], name):
                goodput, p99 = zip(*points, strict=True)
                axes.plot(p99, goodput, "o-", color=colour, label=name, markersize=4, linewidth=1)
        axes.axvline(_IN_TIME, color="#57606a", linewidth=0.8, linestyle="--")
        axes.set(xscale="log", xlabel="p99 of the answers, ms", ylim=(0, None))
        for formatted in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            formatted("{x:g}")
        axes.set_ylabel("new texts a second answered within 100 ms")
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines[1:]:
            axes.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})


def _points(rows: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    tried = [r for r in rows if r["contender"] == name and r["scenario"] == "new" and r["p99"]]
    return [(r["goodput"], r["p99"]) for r in sorted(tried, key=lambda r: float(r["rate"]))]
