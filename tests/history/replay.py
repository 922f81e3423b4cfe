"""What training must see, found the plain way: records replayed one by one into a store."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sentiserve.records import Record

SPANS = (1, 7, 30)


def known_at(record: Record) -> datetime:
    return max(record.event_timestamp, record.created_timestamp)


def store_at(
    records: Sequence[Record], model_id: str, ttl: timedelta, now: datetime
) -> list[Record]:
    """What an online store holds, which took each record when it became known."""
    held: dict[tuple[str, str], Record] = {}
    arrivals = sorted(
        enumerate(records), key=lambda item: (known_at(item[1]), item[1].created_timestamp, item[0])
    )
    for _, record in arrivals:
        key = (record.platform, record.id)
        if record.model_id == model_id and known_at(record) <= now:
            before = held.get(key)
            if before is None or record.event_timestamp >= before.event_timestamp:
                held[key] = record
    return [record for record in held.values() if record.event_timestamp + ttl > now]


def answer(
    held: Sequence[Record], row: dict[str, Any], now: datetime, labels: Sequence[str]
) -> dict[str, Any]:
    """The features of a spine's row, of what a store holds."""
    post = next((r for r in held if (r.platform, r.id) == (row["platform"], row["id"])), None)
    answers: dict[str, Any] = {"post_sentiment__label": post and post.label}
    for label in labels:
        answers[f"post_sentiment__score_{label}"] = post and post.scores[label]
    authors = [r for r in held if (r.platform, r.author) == (row["platform"], row["author"])]
    tagged = [r for r in held if row["hashtag"] in r.hashtags]
    for view, members in (("author_sentiment", authors), ("hashtag_sentiment", tagged)):
        for days in SPANS:
            start = now - timedelta(days=days)
            window = [r for r in members if start < r.seen_at <= now]
            answers[f"{view}__posts_{days}d"] = len(window)
            for label in labels:
                scores = [r.scores[label] for r in window]
                answers[f"{view}__count_{label}_{days}d"] = sum(r.label == label for r in window)
                answers[f"{view}__mean_{label}_{days}d"] = (
                    sum(scores) / len(scores) if scores else None
                )
    return answers
