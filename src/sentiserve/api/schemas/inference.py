"""Posts and texts, and their sentiment."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from sentiserve.api.schemas.wire import MAX_INPUTS, Problem, Sent, Wire
from sentiserve.inference import Answer
from sentiserve.types import TEXT, Post, Prediction


class PostOut(Wire):
    """The post behind a sentiment; a bare text is a post of the platform "text"."""

    platform: str
    id: str = Field(description="With the platform, what the post is forgotten by.")
    url: str | None
    author_id: str | None
    author_handle: str | None
    created_at: datetime | None

    @classmethod
    def of(cls, post: Post) -> "PostOut":
        """A post as it goes out, but for its text."""
        return cls(
            platform=post.ref.platform,
            id=post.ref.id,
            url=post.url,
            author_id=post.author_id,
            author_handle=post.author_handle,
            created_at=post.created_at,
        )


class SentimentOut(Wire):
    """The sentiment of a post or text."""

    sentiment_analyst: str = Field(description="The label with the highest score.")
    text_input: str | None = Field(
        description="The text; null for a post of a source where SENTISERVE_RETURN_TEXT is own."
    )
    scores: dict[str, float] = Field(description="A score for each label; they add up to 1.")
    model: str = Field(description="The model id: what decides a prediction, as a digest.")
    cached: bool = Field(description="Whether the answer was remembered.")
    truncated: bool = Field(description="Whether the model saw only the text's beginning.")
    post: PostOut

    @classmethod
    def of(cls, answer: Answer, return_text: Literal["all", "own"]) -> "SentimentOut":
        """An answer as it goes out; its text only if that may be returned."""
        prediction = answer.prediction
        post, sentiment = prediction.post, prediction.sentiment
        is_own = post.ref.platform == TEXT
        return cls(
            sentiment_analyst=sentiment.label,
            text_input=post.text if is_own or return_text == "all" else None,
            scores=dict(sentiment.scores),
            model=prediction.model_id,
            cached=answer.cached,
            truncated=sentiment.truncated,
            post=PostOut.of(post),
        )


# Checked one by one, so that a bad one doesn't fail the others; this is only its description.
Input = Annotated[
    Any,
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string", "description": "A text."},
                {
                    "type": "object",
                    "properties": {"text": {"type": "string"}},
                    "required": ["text"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {"url": {"type": "string"}},
                    "required": ["url"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class SentimentIn(Sent):
    """Texts and posts to classify."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "inputs": ["What a lovely day", {"text": "Never again."}, {"url": "https://…"}]
            }
        }
    )

    inputs: list[Input] = Field(max_length=MAX_INPUTS)


class SentimentsOut(Wire):
    """One result or one problem for each input, in the same order."""

    results: list[SentimentOut | Problem]


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
