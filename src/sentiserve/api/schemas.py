"""What goes over the wire, in camelCase."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

from sentiserve.features.online import FeatureVector, Status
from sentiserve.forgetting import Forgotten
from sentiserve.inference import Answer
from sentiserve.types import TEXT, Aggregate, ModelInfo, Post

MAX_INPUTS = 256
MAX_NAME = 300  # characters of a name, an id or a feature
_MAX_NAMES = 32  # in an object that is sent


class Wire(BaseModel):
    """Base of every schema: snake_case here, camelCase outside."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, extra="forbid"
    )


def _few(value: object) -> object:
    """Refuse an object with very many names: an error for each would fill the memory."""
    if isinstance(value, dict) and len(value) > _MAX_NAMES:
        raise ValueError(f"has more than {_MAX_NAMES} names")
    return value


class Sent(Wire):
    """Base of what is sent to us."""

    _has_few_names = model_validator(mode="before")(_few)


class Problem(Wire):
    """A problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    retry_after: Annotated[int | None, WithJsonSchema({"type": "integer"})] = Field(
        None,
        description="Seconds after which trying again makes sense; left out where it doesn't.",
        exclude_if=lambda seconds: seconds is None,
    )


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


class AuthorOut(Wire):
    """Sentiment of an author's posts."""

    platform: str
    author: str = Field(description="The author's id, or handle where a source gives no id.")
    handle: str | None
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")
    mean_scores: dict[str, float]
    first_seen: datetime
    last_seen: datetime

    @classmethod
    def of(cls, aggregate: Aggregate) -> "AuthorOut":
        """An author's aggregate as it goes out."""
        platform = aggregate.platform or ""
        return cls(
            platform=platform, author=aggregate.name, handle=aggregate.handle, **_figures(aggregate)
        )


class HashtagOut(Wire):
    """Sentiment of the posts with a hashtag."""

    hashtag: str
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")
    mean_scores: dict[str, float]
    first_seen: datetime
    last_seen: datetime

    @classmethod
    def of(cls, aggregate: Aggregate) -> "HashtagOut":
        """A hashtag's aggregate as it goes out."""
        return cls(hashtag=aggregate.name, **_figures(aggregate))


class AuthorsOut(Wire):
    """The most active authors first."""

    authors: list[AuthorOut]


class HashtagsOut(Wire):
    """The most used hashtags first."""

    hashtags: list[HashtagOut]


JoinKeys = dict[str, Annotated[str, Field(max_length=MAX_NAME)] | None]


class FeaturesIn(Sent):
    """Features that are wanted, and of which entities."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "features": ["post_sentiment:label", "author_sentiment:posts_7d"],
                "entities": [{"platform": "x", "id": "1800000000000000001", "author": "7"}],
            }
        }
    )

    features: list[Annotated[str, Field(max_length=MAX_NAME)]] = Field(
        max_length=MAX_INPUTS, description="VIEW:FEATURE, or a view's name for all of its features."
    )
    entities: list[Annotated[JoinKeys, BeforeValidator(_few)]] = Field(
        max_length=MAX_INPUTS,
        description="Rows of join keys: platform and id of a post, platform and author, hashtag.",
    )


class FeatureVectorOut(Wire):
    """The features of one row; what isn't known is null, but counts, which are 0."""

    values: dict[str, str | float | int | None] = Field(description="By VIEW__FEATURE.")
    statuses: dict[str, Status] = Field(description="By view.")
    event_timestamps: dict[str, datetime | None] = Field(description="By view.")

    @classmethod
    def of(cls, vector: FeatureVector) -> "FeatureVectorOut":
        """A vector as it goes out."""
        return cls(
            values=dict(vector.values),
            statuses=dict(vector.statuses),
            event_timestamps=dict(vector.event_timestamps),
        )


class FeaturesOut(Wire):
    """A vector for each row of entities, in the same order."""

    results: list[FeatureVectorOut]


class ForgottenOut(Wire):
    """How many predictions are gone."""

    online: int = Field(description="From the store.")
    offline: int = Field(description="From the history.")

    @classmethod
    def of(cls, forgotten: Forgotten) -> "ForgottenOut":
        """The numbers as they go out."""
        return cls(online=forgotten.online, offline=forgotten.offline)


class LimitsOut(Wire):
    """What the service accepts."""

    max_tokens: int = Field(description="Longer texts are cut, and say so in 'truncated'.")
    max_characters: int
    max_inputs: int
    max_body: int = Field(description="Bytes.")


class ModelOut(Wire):
    """The model that answers."""

    name: str
    revision: str
    id: str = Field(description="A digest over weights, tokenizer, preprocessing and labels.")
    labels: list[str]
    format: str
    preprocessing: str
    temperature: float = Field(
        description="What the logits are divided by; above 1, scores are more cautious."
    )
    licence: str
    limits: LimitsOut
    quality: dict[str, float] = Field(description="Measured figures; see the model card.")

    @classmethod
    def of(cls, info: ModelInfo, limits: LimitsOut) -> "ModelOut":
        """A model's description as it goes out."""
        return cls(
            name=info.name,
            revision=info.revision,
            id=info.id,
            labels=list(info.labels),
            format=info.format,
            preprocessing=info.preprocessing,
            temperature=info.temperature,
            licence=info.licence,
            limits=limits,
            quality=dict(info.quality),
        )


class HealthOut(Wire):
    """Whether the service, and each thing it depends on, can work."""

    status: Literal["live", "ready", "unready"]
    dependencies: dict[str, str] = Field(
        default={}, description="'ok' or 'failing'; the log says why."
    )


def _figures(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "posts": aggregate.posts,
        "counts": dict(aggregate.counts),
        "mean_scores": {label: round(mean, 6) for label, mean in aggregate.mean_scores.items()},
        "first_seen": aggregate.first_seen,
        "last_seen": aggregate.last_seen,
    }
