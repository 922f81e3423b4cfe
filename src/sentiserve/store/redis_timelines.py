"""Posts over time in Redis, by counts that the scripts keep."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from sentiserve.store.redis_counts import Counts
from sentiserve.types import Stretch, TimelineQuery

_EPOCH = datetime.fromtimestamp(0, UTC)


async def timeline(counts: Counts, query: TimelineQuery) -> list[Stretch]:
    """The hours or days in which posts were seen, oldest first."""
    await counts.settle(query.model_id)
    stretches: dict[datetime, Counter[str]] = defaultdict(Counter)
    hours = await counts.hours(query.model_id, query.hashtag)
    for (hour, label), posts in hours.items():
        stretches[query.step.start_of(_EPOCH + timedelta(hours=hour))][label] += posts
    since = None if query.since is None else query.step.start_of(query.since)
    return [
        Stretch(start, dict(stretches[start]))
        for start in sorted(stretches)
        if since is None or start >= since
    ]
