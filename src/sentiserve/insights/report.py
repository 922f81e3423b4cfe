"""What a report tells: everything that the store holds of one model, as of one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sentiserve.errors import NotFoundError
from sentiserve.insights.aggregates import Aggregates
from sentiserve.insights.findings import Drift
from sentiserve.insights.newest import Newest
from sentiserve.insights.timelines import Timelines
from sentiserve.insights.watch import DriftWatch
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import TEXT, Aggregate, ModelInfo, Post, Prediction, Step, Stretch

Texts = Literal["all", "own", "none"]  # which are told; "own" are those of no source
_SHORT = timedelta(days=3)  # of posts, that are counted by the hour


@dataclass(frozen=True, slots=True)
class Timeline:
    """Posts over time: the oldest stretch first, those without posts left out."""

    step: Step
    stretches: Sequence[Stretch]

    @property
    def posts(self) -> int:
        """How many posts."""
        return sum(stretch.posts for stretch in self.stretches)


@dataclass(frozen=True, slots=True)
class Report:
    """What the store holds of one model.

    Attributes:
        since: leaves out posts seen before it; recent posts are never left out.
        others: predictions of other models, by their ids; only looked up where there is nothing
            of this one.
        tags: the hashtags that were asked for, without ``#``, with their posts over time; None
            of whose posts the store holds none.
        recent: what was predicted last, newest first.
    """

    made_at: datetime
    model: ModelInfo
    since: datetime | None
    others: Mapping[str, int]
    authors: Sequence[Aggregate]
    hashtags: Sequence[Aggregate]
    tags: Mapping[str, tuple[Aggregate, Timeline] | None]
    timeline: Timeline
    recent: Sequence[Prediction]
    drift: Drift


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is asked for.

    Attributes:
        tags: hashtags, with or without ``#``; the most used one if none is named.
        most: authors and hashtags.
        recent: posts.
        seconds: that the store may take for each question.
    """

    tags: Sequence[str] = ()
    since: datetime | None = None
    most: int = 10
    recent: int = 20
    seconds: float = 60.0


def is_told(post: Post, texts: Texts) -> bool:
    """Whether the post's text may be in the report."""
    return texts == "all" or (texts == "own" and post.ref.platform == TEXT)


async def gather(store: Store, model: ModelInfo, watch: DriftWatch, wanted: Wanted) -> Report:
    """Ask the store for all that a report tells.

    Raises:
        StoreError: it can't be used, or didn't answer in time.
    """
    aggregates = Aggregates(store, model.id, wanted.seconds)
    timelines = Timelines(store, model, wanted.seconds)
    timeline = await _timeline(timelines, wanted)
    hashtags = await aggregates.hashtags(limit=wanted.most, since=wanted.since)
    names = [tag.removeprefix("#").casefold() for tag in wanted.tags]
    tags: dict[str, tuple[Aggregate, Timeline] | None] = {}
    for name in dict.fromkeys(names or [one.name for one in hashtags[:1]]):
        try:
            found = await aggregates.hashtag(name, wanted.since)
        except NotFoundError:
            tags[name] = None
        else:
            tags[name] = (found, await _timeline(timelines, wanted, name))
    return Report(
        datetime.now(UTC),
        model,
        wanted.since,
        {} if timeline.stretches else await _others(store, wanted),
        await aggregates.authors(limit=wanted.most, since=wanted.since),
        hashtags,
        tags,
        timeline,
        await Newest(store, model.id, wanted.seconds).predictions(wanted.recent),
        await watch.look(),
    )


async def _others(store: Store, wanted: Wanted) -> Mapping[str, int]:
    async with store_within(wanted.seconds, "try again"):
        return await store.count()


async def _timeline(timelines: Timelines, wanted: Wanted, hashtag: str | None = None) -> Timeline:
    """By the day, or of a short time by the hour."""
    days = await timelines.timeline(step=Step.DAY, hashtag=hashtag, since=wanted.since)
    if not days or days[-1].start - days[0].start >= _SHORT:
        return Timeline(Step.DAY, days)
    since = wanted.since or days[0].start
    return Timeline(
        Step.HOUR, await timelines.timeline(step=Step.HOUR, hashtag=hashtag, since=since)
    )
