"""The figures of the page, the report and the notebook: one set, from what the stores tell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import resources

from sentiserve.insights.drawing.axes import beginning, span_of
from sentiserve.insights.drawing.bars import Bar, bars
from sentiserve.insights.drawing.columns import columns
from sentiserve.insights.drawing.donut import donut
from sentiserve.insights.drawing.dress import Dress, dresses
from sentiserve.insights.drawing.figure import NARROW, WIDE, Figure, key_of, posts, share
from sentiserve.insights.drawing.markup import shown
from sentiserve.insights.drawing.words import instead
from sentiserve.types import Aggregate, Step, Stretch

__all__ = ["NARROW", "WIDE", "Figure", "authors", "hashtag", "stylesheet", "timeline"]

_FILL = "Fill it: sentiserve ingest file posts.jsonl"
_MOST_COLUMNS = 62  # of time: two months by day
_STEPS = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1)}


def stylesheet() -> str:
    """The classes of the figures, for light and dark."""
    return (resources.files("sentiserve.insights") / "figures.css").read_text(encoding="utf-8")


def authors(found: Sequence[Aggregate], labels: Sequence[str]) -> Figure:
    """The most active authors as stacked bars, a bar each.

    Args:
        found: as ``Aggregates.authors`` gives them.
        labels: the model's.
    """
    title = "Sentiment of the most active authors"
    if not found:
        return instead("authors", title, "The store holds no author's posts yet.", _FILL)
    shown_as = dresses(labels, (one.counts for one in found))
    platforms = {one.platform for one in found}
    rows = [
        Bar(_author(one, with_platform=len(platforms) > 1), _author(one), one.counts)
        for one in found
    ]
    first = rows[0]
    return Figure(
        "authors",
        title,
        f"Each author's posts by label, of {len(rows)} author{'' if len(rows) == 1 else 's'}; "
        f"most are by {first.full_name}: {_told(found[0], shown_as)}.",
        ("author", "posts", *_heads(shown_as)),
        tuple(
            (row.full_name, f"{one.posts:,}", *_cells(one, shown_as))
            for row, one in zip(rows, found, strict=True)
        ),
        draw=lambda id_, across: bars(id_, across, rows, shown_as),
    )


def hashtag(tag: str, found: Aggregate | None, labels: Sequence[str]) -> Figure:
    """A hashtag's sentiment as a donut.

    Args:
        tag: with or without ``#``.
        found: as ``Aggregates.hashtag`` gives it; None if it found nothing.
        labels: the model's.
    """
    name = shown(f"#{tag.removeprefix('#')}")
    key, title = key_of("hashtag", name), f"Sentiment of {name}"
    if found is None or not found.posts:
        return instead(
            key,
            title,
            f"The store holds no post with {name}.",
            "Look at those that it holds: sentiserve report shows the most used ones.",
        )
    shown_as = dresses(labels, [found.counts])
    return Figure(
        key,
        title,
        f"{_told(found, shown_as)}.",
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
            a column stands for several.
        step: what each of them is.
        labels: the model's.
        tag: the hashtag that they are of; None for all posts.
    """
    name = "" if tag is None else shown(f" of #{tag.removeprefix('#')}")
    key, title = key_of("timeline", name or None), f"Sentiment{name} over time"
    if not found:
        return instead(key, title, f"The store holds no posts{name} of that time.", _FILL)
    span, unit = span_of(found[0].start, found[-1].start, _STEPS[step], _MOST_COLUMNS)
    merged: dict[datetime, dict[str, int]] = {}
    for stretch in found:
        counts = merged.setdefault(beginning(stretch.start, span), {})
        for label, count in stretch.counts.items():
            counts[label] = counts.get(label, 0) + count
    shown_as = dresses(labels, merged.values())
    title = f"{title}, by {unit}"
    total = sum(stretch.posts for stretch in found)
    return Figure(
        key,
        title,
        f"{posts(total)} between {found[0].start:%Y-%m-%d %H:%M} and the {step} from "
        f"{found[-1].start:%Y-%m-%d %H:%M} UTC, by label.",
        ("from (UTC)", "posts", *(dress.name for dress in shown_as)),
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


def _author(author: Aggregate, *, with_platform: bool = True) -> str:
    name = shown(author.handle or author.name)
    return f"{name} ({author.platform})" if with_platform else name


def _heads(shown_as: Sequence[Dress]) -> list[str]:
    return [head for dress in shown_as for head in (dress.name, f"{dress.name}, share")]


def _cells(one: Aggregate, shown_as: Sequence[Dress]) -> list[str]:
    counts = [dress.count(one.counts) for dress in shown_as]
    return [cell for count in counts for cell in (f"{count:,}", share(count, one.posts))]


def _told(one: Aggregate, shown_as: Sequence[Dress]) -> str:
    """The shares in words."""
    shares = ", ".join(
        f"{dress.name} {share(dress.count(one.counts), one.posts)}" for dress in shown_as
    )
    return f"{posts(one.posts)}: {shares}"
