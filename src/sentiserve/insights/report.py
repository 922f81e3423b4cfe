"""What a report tells: everything that the store holds of one model, as of one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sentiserve.errors import NotFoundError
from sentiserve.insights.aggregates import Aggregates
from sentiserve.insights.findings import Drift
from sentiserve.insights.watch import DriftWatch
from sentiserve.protocols import Store
from sentiserve.timing import store_within
from sentiserve.types import Aggregate, ModelInfo, Prediction, Step, Stretch, TimelineQuery

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


async def gather(store: Store, model: ModelInfo, watch: DriftWatch, wanted: Wanted) -> Report:
    """Ask the store for all that a report tells.

    Raises:
        StoreError: it can't be used, or didn't answer in time.
    """
    aggregates = Aggregates(store, model.id, wanted.seconds)
    timeline = await _timeline(store, model, wanted)
    hashtags = await aggregates.hashtags(limit=wanted.most, since=wanted.since)
    names = [tag.removeprefix("#").casefold() for tag in wanted.tags]
    tags = {}
    for name in dict.fromkeys(names or [one.name for one in hashtags[:1]]):
        try:
            found = await aggregates.hashtag(name, wanted.since)
        except NotFoundError:
            tags[name] = None
        else:
            tags[name] = (found, await _timeline(store, model, wanted, name))
    async with store_within(wanted.seconds, "ask for fewer"):
        return Report(
            datetime.now(UTC),
            model,
            wanted.since,
            {} if timeline.stretches else await store.count(),
            await aggregates.authors(limit=wanted.most, since=wanted.since),
            hashtags,
            tags,
            timeline,
            await store.recent(model.id, wanted.recent),
            await watch.look(),
        )


async def _timeline(
    store: Store, model: ModelInfo, wanted: Wanted, hashtag: str | None = None
) -> Timeline:
    """By the day, or of a short time by the hour."""

    async def stretches(step: Step) -> Sequence[Stretch]:
        query = TimelineQuery(model.id, step, hashtag, wanted.since)
        async with store_within(wanted.seconds, "ask for a shorter time with --since"):
            return await store.timeline(query)

    days = await stretches(Step.DAY)
    if days and days[-1].start - days[0].start < _SHORT:
        return Timeline(Step.HOUR, await stretches(Step.HOUR))
    return Timeline(Step.DAY, days)
