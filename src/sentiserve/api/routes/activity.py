"""What the service did in the last hour."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from pydantic import Field

from sentiserve.api import unchanged
from sentiserve.api.activity import MINUTES, Activity, Tally, quantile, together
from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.wire import Wire
from sentiserve.api.siblings import Siblings

router = APIRouter(prefix="/v1", tags=["system"], dependencies=STRICT)


class MinuteOut(Wire):
    """Posts and texts in one minute, by what came of them."""

    start: datetime
    hits: int = Field(description="Remembered.")
    misses: int = Field(description="Answered by the model.")
    refused: int = Field(description="For want of room.")
    failed: int = Field(description="The model failed on them.")

    @classmethod
    def of(cls, minute: int, tally: Mapping[str, int]) -> "MinuteOut":
        """A minute as it goes out."""
        return cls(
            start=datetime.fromtimestamp(60 * minute, UTC),
            hits=tally.get("hit", 0),
            misses=tally.get("miss", 0),
            refused=tally.get("refused", 0),
            failed=tally.get("failed", 0),
        )

    @property
    def answered(self) -> int:
        """How many got an answer."""
        return self.hits + self.misses


class ActivityOut(Wire):
    """The last hour, of all workers of this service together; a replica tells of itself."""

    model: str = Field(description="The id of the model that answers.")
    posts: int = Field(description="Posts and texts answered in the hour.")
    posts_per_minute: float = Field(description="Answered in the last sixty seconds, about.")
    hit_rate: float | None = Field(description="Share of the answers that were remembered.")
    median_milliseconds: float | None = Field(
        description="Of requests for sentiments, from the arrival to the answer, in the hour; "
        "estimated from the buckets of sentiserve_request_seconds: 10000 is that or more."
    )
    p99_milliseconds: float | None = Field(description="The same of the slowest but one percent.")
    minutes: list[MinuteOut] = Field(description=f"All {MINUTES}, the oldest first.")

    @classmethod
    def of(cls, model_id: str, told: Mapping[int, Tally], now: float) -> "ActivityOut":
        """The hour before a time, in seconds since the epoch, as it goes out."""
        last = int(now // 60)
        numbers = range(last - MINUTES + 1, last + 1)
        minutes = [MinuteOut.of(number, told.get(number, {})) for number in numbers]
        hour: Tally = Counter()
        for number in numbers:
            hour.update(told.get(number, {}))
        posts = hour["hit"] + hour["miss"]
        # A window that slides: of the minute before, the part that lies within sixty seconds.
        recent = minutes[-1].answered + minutes[-2].answered * (1 - now % 60 / 60)
        return cls(
            model=model_id,
            posts=posts,
            posts_per_minute=round(recent, 1),
            hit_rate=round(hour["hit"] / posts, 4) if posts else None,
            median_milliseconds=_milliseconds(quantile(hour, 0.5)),
            p99_milliseconds=_milliseconds(quantile(hour, 0.99)),
            minutes=minutes,
        )


@router.get(
    "/activity",
    summary="The last hour",
    response_model=ActivityOut,
    responses=responses(401, 422, 429),
)
async def activity(request: Request, parts: PartsDep) -> Response:
    """Posts a minute, how many were remembered, and how long answers took."""
    siblings: Siblings | None = request.app.state.siblings
    own: Activity = request.app.state.activity
    told = together(await siblings.minutes()) if siblings else own.minutes()
    return unchanged.document(request, ActivityOut.of(parts.model.id, told, time.time()))


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 2)
