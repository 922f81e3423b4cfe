"""Panels side by side: shares in the reference and in the window, bin by bin, with a verdict."""

from collections.abc import Sequence

from sentiserve.insights.drawing.dress import FAINT, HUES, LINE
from sentiserve.insights.drawing.figure import Drawing, is_narrow
from sentiserve.insights.drawing.lettering import shortened
from sentiserve.insights.drawing.markup import Element, tag
from sentiserve.insights.drawing.words import BOX, ROW, words
from sentiserve.insights.findings import Finding

_BETWEEN = 40
_BINS = 88  # the column of their names
_THICK = 7
_HEAD = 50
_MOST = 12  # bins that are drawn; the table has them all
_SMALL = 12
_HERE, _THERE = HUES["positive"], FAINT
Bin = tuple[str, float, float]


def panels(across: int, findings: Sequence[Finding]) -> Drawing:
    """A panel for each feature, in two columns, or in one where it is narrow."""
    abreast = 1 if is_narrow(across) else 2
    wide = (across - _BETWEEN * (abreast - 1)) / abreast
    parts = _key()
    ends = [ROW + 12.0] * abreast
    for finding in findings:
        place = ends.index(min(ends))
        corner = ((wide + _BETWEEN) * place, ends[place])
        bins = _few(finding)
        parts.append(_panel(corner, wide, finding, bins))
        ends[place] += _HEAD + ROW * len(bins) + 22
        if left_out := len(finding.bins) - len(bins):
            y = ends[place] - 16
            said = f"and {left_out} more, in the table"
            parts.append(words(corner[0] + _BINS, y, said, faint=True, font_size=_SMALL))
            ends[place] += ROW - 4
    return Drawing(max(ends), parts)


def _key() -> list[Element]:
    return [
        _bar(0, BOX - 6, BOX * 1.6, here=False),
        words(BOX * 1.6 + 6, BOX, "reference"),
        _bar(110, BOX - 6, BOX * 1.6, here=True),
        words(110 + BOX * 1.6 + 6, BOX, "newest posts"),
    ]


def _panel(
    corner: tuple[float, float], wide: float, finding: Finding, bins: Sequence[Bin]
) -> Element:
    x, y = corner
    long = wide - _BINS - 8
    most = max(max(there, here) for _, there, here in bins) or 1
    verdict = "drifted" if finding.drifted else "as before"
    told = (
        f"{finding.posts:,} posts; shift {finding.effect:.2f}, "
        f"alarm from {finding.effect_threshold:.2f}"
    )
    parts = [
        tag("title", f"{finding.feature}: {verdict}; {told}; p {finding.p_value:.2g}"),
        _mark(x, y + 3, drifted=finding.drifted),
        words(x + 20, y + 14, f"{finding.feature}: {verdict}", font_weight=600),
        words(x + 20, y + 31, told, faint=True, font_size=_SMALL),
    ]
    for place, (name, there, here) in enumerate(bins):
        top = y + _HEAD + ROW * place - 6
        parts += [
            words(x + _BINS - 8, top + 11, shortened(name, _BINS - 10, _SMALL), faint=True,
                  text_anchor="end", font_size=_SMALL),
            _bar(x + _BINS, top, long * there / most, here=False),
            _bar(x + _BINS, top + _THICK + 1, long * here / most, here=True),
        ]  # fmt: skip
    foot = y + _HEAD + ROW * len(bins) - 8
    line = tag(
        "path", d=f"M{x + _BINS - 1:.2f} {y + _HEAD - 9:.2f}V{foot:.2f}", class_="sv-line",
        stroke=LINE, stroke_width=1,
    )  # fmt: skip
    return tag("g", *parts, line)


def _bar(x: float, y: float, long: float, *, here: bool) -> Element:
    """The reference's are hollow, those of the window are full."""
    if here:
        return tag(
            "rect", x=x, y=y, width=max(long, 0.75), height=_THICK, class_="sv-positive", fill=_HERE
        )
    return tag(
        "rect", x=x + 0.5, y=y + 0.5, width=max(long - 1, 0.5), height=_THICK - 1, fill="none",
        class_="sv-outline", stroke=_THERE, stroke_width=1,
    )  # fmt: skip


def _mark(x: float, y: float, *, drifted: bool) -> Element:
    """A triangle with a line for an alarm, a tick for none."""
    if not drifted:
        return tag(
            "path", d=f"M{x + 1} {y + 7}l4 4l8 -9", fill="none", class_="sv-outline",
            stroke=_THERE, stroke_width=2, stroke_linecap="round",
        )  # fmt: skip
    sign = tag(
        "path", d=f"M{x + 7} {y + 4}v4M{x + 7} {y + 10.5}v.01", class_="sv-mark",
        stroke="#ffffff", stroke_width=1.8, stroke_linecap="round",
    )  # fmt: skip
    triangle = tag(
        "path", d=f"M{x + 7} {y - 1}l8 14h-16Z", class_="sv-negative", fill=HUES["negative"]
    )
    return tag("g", triangle, sign)


def _few(finding: Finding) -> list[Bin]:
    """The bins with the largest shares, in their order."""
    bins = list(zip(finding.bins, finding.reference, finding.window, strict=True))
    most = sorted(range(len(bins)), key=lambda i: -max(bins[i][1:]))[:_MOST]
    return [bins[i] for i in sorted(most)]
