"""Bars for what ``bench`` found. Needs the extra ``train``."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from sentiserve.errors import BadInputError
from sentiserve.models.bench import Result

SUFFIXES = (".svg", ".png")
_STYLE: Any = {
    "svg.hashsalt": "sentiserve",  # the same figures give the same file
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a name may have dollar signs
    "font.family": "sans-serif",
    "font.size": 10,
}
_INK, _FAINT = "#24292f", "#57606a"
_FIRST, _OTHER = "#9aa7b4", "#2f6fb3"
_ROW = 0.42  # inches for each bundle
_NAME = 36  # characters; of longer ones, the middle is left out
_CHARACTER = 0.075  # inches


def check_picture(path: Path) -> None:
    """Return if a picture can be written there.

    Raises:
        BadInputError: its name or its directory won't do.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInputError(f"{path}: a picture's name must end in one of {' '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise BadInputError(f"there is no directory {path.parent}; make it first")
    is_new = not os.path.lexists(path)
    try:
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error


def draw(results: Sequence[Result], facts: str, path: Path) -> None:
    """Draw latency and throughput side by side, with the ratios to the first bundle.

    Args:
        results: one for each bundle, the reference first.
        facts: a line that says where and how it was measured.
        path: ends in one of ``SUFFIXES``.

    Raises:
        BadInputError: it can't be written there.
    """
    check_picture(path)
    names = [_shortened(result.name) for result in results]
    with rc_context(_STYLE), catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for it
        width = 8.4 + _CHARACTER * max(map(len, names))
        figure = Figure(figsize=(width, 1.35 + _ROW * len(results)))
        figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
        left, right = figure.subplots(1, 2, sharey=True)
        _bars(left, results, _latency)
        left.set_title("One text: median ms (less is better)", **_title())
        left.set_yticks(range(len(results)), names, color=_INK)
        _bars(right, results, _throughput)
        right.set_title("Batches: texts a second (more is better)", **_title())
        figure.supxlabel(facts, fontsize=9, color=_FAINT, x=0.01, ha="left")
        try:
            figure.savefig(path, dpi=160, metadata={_clock(path): None})
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}") from error


def _shortened(name: str) -> str:
    half = _NAME // 2
    return (
        name if len(name) <= _NAME else f"{name[: half - 1]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}"
    )


def _clock(path: Path) -> str:
    """What differs from one time or machine to the next."""
    return "Date" if path.suffix.lower() == ".svg" else "Software"


def _title() -> dict[str, Any]:
    return {"loc": "left", "fontsize": 10, "fontweight": "bold", "color": _INK}


def _latency(result: Result) -> tuple[float, float]:
    return result.median_ms, result.latency_ratio


def _throughput(result: Result) -> tuple[float, float]:
    return result.texts_per_second, result.throughput_ratio


def _bars(
    axes: Axes, results: Sequence[Result], figures: Callable[[Result], tuple[float, float]]
) -> None:
    """A bar for each bundle, with its value and, but for the first, how many times as fast."""
    values = [figures(result)[0] for result in results]
    ratios = [figures(result)[1] for result in results]
    colours = [_FIRST, *[_OTHER] * (len(results) - 1)]
    bars = axes.barh(range(len(results)), values, height=0.62, color=colours)
    axes.bar_label(bars, _labels(values, ratios), padding=4, color=_INK)
    axes.set_xlim(0, max(values) * 1.55)  # room for the words behind the longest bar
    axes.set_ylim(len(results) - 0.5, -0.5)  # the first on top
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color(_FAINT)


def _labels(values: Sequence[float], ratios: Sequence[float]) -> list[str]:
    shown = [f"{value:.1f}" if value < 100 else f"{value:,.0f}" for value in values]
    compared = [f" ({ratio:.2f}\N{MULTIPLICATION SIGN} as fast)" for ratio in ratios[1:]]
    return [value + ratio for value, ratio in zip(shown, ["", *compared], strict=True)]
