"""The figures of the page, the report and the notebook: one set, from what the stores tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources

from sentiserve.insights.drawing.axes import beginning, span_of
from sentiserve.insights.drawing.bars import Bar, bars
from sentiserve.insights.drawing.columns import columns
from sentiserve.insights.drawing.donut import donut
from sentiserve.insights.drawing.dress import Dress, dresses
from sentiserve.insights.drawing.figure import NARROW, WIDE, Figure, key_of, percent, posts, share
from sentiserve.insights.drawing.lettering import named
from sentiserve.insights.drawing.panels import panels
from sentiserve.insights.drawing.words import instead
from sentiserve.insights.findings import Drift, Finding
from sentiserve.types import Aggregate, Step, Stretch

__all__ = [
    "NARROW",
    "WIDE",
    "Figure",
    "authors",
    "drift",
    "hashtag",
    "hashtags",
    "stylesheet",
    "timeline",
]

Counts = Mapping[str, int]  # posts per label
_A = {"author": "an author", "hashtag": "a hashtag"}
_FILL = "Fill it: sentiserve ingest file posts.jsonl"
_MOST_COLUMNS = 62  # of time: two months by day


def stylesheet() -> str:
    """The classes of the figures, for light and dark."""
    return (resources.files("sentiserve.insights") / "figures.css").read_text(encoding="utf-8")


def authors(found: Sequence[Aggregate], labels: Sequence[str]) -> Figure:
    """The most active authors as stacked bars, a bar each.

    Args:
        found: as ``Aggregates.authors`` gives them.
        labels: the model's.
    """
    platforms = {one.platform for one in found}
    rows = [
        Bar(_author(one, with_platform=len(platforms) > 1), _author(one), one.counts)
        for one in found
    ]
    return _ranked(("author", "Sentiment of the most active authors"), rows, labels)


def hashtags(found: Sequence[Aggregate], labels: Sequence[str]) -> Figure:
    """The most used hashtags as stacked bars, a bar each.

    Args:
        found: as ``Aggregates.hashtags`` gives them.
        labels: the model's.
    """
    rows = [Bar(f"#{named(one.name)}", f"#{named(one.name)}", one.counts) for one in found]
    return _ranked(("hashtag", "Sentiment of the most used hashtags"), rows, labels)


def hashtag(tag: str, found: Aggregate | None, labels: Sequence[str]) -> Figure:
    """A hashtag's sentiment as a donut.

    Args:
        tag: with or without ``#``.
        found: as ``Aggregates.hashtag`` gives it; None if it found nothing.
        labels: the model's.
    """
    name = f"#{named(tag.removeprefix('#'))}"
    key, title = key_of("hashtag", tag.removeprefix("#")), f"Sentiment of {name}"
    if found is None or not found.posts:
        return instead(
            key,
            title,
            f"The store holds no post with {name}.",
            "Try one of the most used: the dashboard and sentiserve report show them.",
        )
    shown_as = dresses(labels, [found.counts])
    return Figure(
        key,
        title,
        f"{_told(found.counts, shown_as)}.",
        ("label", "posts", "share"),
        tuple(
            (dress.name, f"{count:,}", share(count, found.posts))
            for dress in shown_as
            for count in [dress.count(found.counts)]
        ),
        draw=lambda id_, across: donut(id_, across, found.counts, shown_as),
    )


def timeline(
    found: Sequence[Stretch], step: Step, labels: Sequence[str], tag: str | None = None
) -> Figure:
    """Posts over time by label, as stacked columns; times are UTC's.

    Args:
        found: the oldest first, as the store gives them. Where they are too many to be seen,
            a column stands for several, and the picture says so.
        step: what each of them is.
        labels: the model's.
        tag: the hashtag that they are of; None for all posts.
    """
    plain = None if tag is None else tag.removeprefix("#")
    name = "" if plain is None else f" of #{named(plain)}"
    key, title = key_of("timeline", plain), f"Sentiment{name} over time"
    if not found:
        return instead(key, title, f"The store holds no posts{name} of that time.", _FILL)
    span = span_of(found[0].start, found[-1].start, step, _MOST_COLUMNS)
    merged: dict[datetime, dict[str, int]] = {}
    for stretch in found:
        counts = merged.setdefault(beginning(stretch.start, span.length), {})
        for label, count in stretch.counts.items():
            counts[label] = counts.get(label, 0) + count
    shown_as = dresses(labels, merged.values())
    title = f"{title}, by {span.name}"
    total = sum(stretch.posts for stretch in found)
    return Figure(
        key,
        title,
        f"{posts(total)} between {found[0].start:%Y-%m-%d %H:%M} and the {step} from "
        f"{found[-1].start:%Y-%m-%d %H:%M} UTC, by label; {span.told}.",
        (f"{span.name} from (UTC)", "posts", *(dress.name for dress in shown_as)),
        tuple(
            (
                f"{start:%Y-%m-%d %H:%M}",
                f"{sum(counts.values()):,}",
                *(f"{dress.count(counts):,}" for dress in shown_as),
            )
            for start, counts in merged.items()
        ),
        draw=lambda id_, across: columns(id_, across, merged, span, shown_as),
    )


def drift(found: Drift) -> Figure:
    """Each feature's shares in the newest posts beside those of the reference, with a verdict."""
    title = "Drift"
    notes = [f"{note[:1].upper()}{note[1:]}." for note in found.notes]
    if not found.findings:
        return instead("drift", title, "Nothing can be compared yet.", " ".join(notes))
    drifted = ", ".join(found.drifted) or "none"
    return Figure(
        "drift",
        title,
        f"The newest {posts(found.posts)} beside those that the model's quality was measured on. "
        f"{' '.join([f'Drifted: {drifted}.', *notes])}",
        ("feature and value", "reference", "newest posts", "verdict"),
        tuple(
            (f"{finding.feature}: {bin_}", percent(there), percent(here), _verdict(finding))
            for finding in found.findings
            for bin_, there, here in zip(
                finding.bins, finding.reference, finding.window, strict=True
            )
        ),
        draw=lambda _, across: panels(across, found.findings),
    )


def _verdict(finding: Finding) -> str:
    return "drifted" if finding.drifted else "as before"


def _ranked(about: tuple[str, str], rows: Sequence[Bar], labels: Sequence[str]) -> Figure:
    what, title = about
    if not rows:
        return instead(f"{what}s", title, f"No post in the store has {_A[what]} yet.", _FILL)
    shown_as = dresses(labels, (row.counts for row in rows))
    first = rows[0]
    return Figure(
        f"{what}s",
        title,
        f"Posts of each {what} by label, of {len(rows)} {what}{'' if len(rows) == 1 else 's'}; "
        f"{first.full_name} has the most, {_told(first.counts, shown_as)}.",
        (what, "posts", *_heads(shown_as)),
        tuple((row.full_name, f"{row.posts:,}", *_cells(row.counts, shown_as)) for row in rows),
        draw=lambda id_, across: bars(id_, across, rows, shown_as),
    )


def _author(author: Aggregate, *, with_platform: bool = True) -> str:
    name = named(author.handle, author.name)
    return f"{name} ({author.platform})" if with_platform else name


def _heads(shown_as: Sequence[Dress]) -> list[str]:
    return [head for dress in shown_as for head in (dress.name, f"{dress.name}, share")]


def _cells(counts: Counts, shown_as: Sequence[Dress]) -> list[str]:
    total = sum(counts.values())
    each = [dress.count(counts) for dress in shown_as]
    return [cell for count in each for cell in (f"{count:,}", share(count, total))]


def _told(counts: Counts, shown_as: Sequence[Dress]) -> str:
    """The shares in words."""
    total = sum(counts.values())
    shares = (f"{dress.name} {share(dress.count(counts), total)}" for dress in shown_as)
    return f"{posts(total)}: {', '.join(shares)}"
