"""What insights say over the wire, and what is told of posts."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from sentiserve.api.schemas import MAX_INPUTS, PostOut, Problem, Sent, SentimentOut, Wire
from sentiserve.inference import Answer
from sentiserve.types import Judgement, Prediction, Step, Stretch


class RecentOut(SentimentOut):
    """A post that was predicted lately."""

    predicted_at: datetime

    @classmethod
    def of_prediction(
        cls, prediction: Prediction, return_text: Literal["all", "own"]
    ) -> "RecentOut":
        """A prediction as it goes out; its text only if that may be returned."""
        shown = SentimentOut.of(Answer(prediction, cached=True), return_text)
        return cls(**dict(shown), predicted_at=prediction.predicted_at)


class RecentsOut(Wire):
    """The posts that were predicted last, newest first."""

    posts: list[RecentOut]


class StretchOut(Wire):
    """An hour or day in which posts were seen."""

    start: datetime
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")

    @classmethod
    def of(cls, stretch: Stretch) -> "StretchOut":
        """A stretch as it goes out."""
        return cls(start=stretch.start, posts=stretch.posts, counts=dict(stretch.counts))


class TimelineOut(Wire):
    """Sentiment over time, oldest first; stretches without posts are left out."""

    step: Step
    stretches: list[StretchOut]


# Checked one by one, as the inputs of /v1/sentiment are; this is only its description.
_NAMES = {"url": ["url"], "text": ["text"], "post": ["platform", "id"]}
Item = Annotated[
    Any,
    WithJsonSchema(
        {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in (*names, "label")},
                    "required": [*names, "label"],
                    "additionalProperties": False,
                }
                for names in _NAMES.values()
            ]
        }
    ),
]


class FeedbackIn(Sent):
    """Posts, each with its true label."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"items": [{"text": "What a lovely day", "label": "positive"}]}
        }
    )

    items: list[Item] = Field(max_length=MAX_INPUTS)


class JudgementOut(Wire):
    """What was predicted of a post, beside its true label."""

    label: str = Field(description="The true label.")
    predicted: str = Field(description="The label that was predicted.")
    right: bool
    model: str = Field(description="The model id.")
    post: PostOut

    @classmethod
    def of(cls, judgement: Judgement) -> "JudgementOut":
        """A judgement as it goes out."""
        prediction = judgement.prediction
        return cls(
            label=judgement.feedback.label,
            predicted=prediction.sentiment.label,
            right=judgement.is_right,
            model=prediction.model_id,
            post=PostOut.of(prediction.post),
        )


class JudgementsOut(Wire):
    """One judgement or one problem for each item, in the same order."""

    results: list[JudgementOut | Problem]
