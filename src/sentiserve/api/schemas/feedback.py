"""True labels of posts, and what was predicted of them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, WithJsonSchema

from sentiserve.api.schemas.inference import PostOut
from sentiserve.api.schemas.wire import MAX_INPUTS, Problem, Sent, Wire
from sentiserve.types import Judgement

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
