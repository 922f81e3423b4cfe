"""Features of entities."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from sentiserve.api.schemas.wire import MAX_INPUTS, MAX_NAME, Sent, Wire, few
from sentiserve.features.online import FeatureVector, Status

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
    entities: list[Annotated[JoinKeys, BeforeValidator(few)]] = Field(
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
