"""The model that answers, what the service accepts, and whether it works."""

from typing import Literal

from pydantic import Field

from sentiserve.api.schemas.wire import Wire
from sentiserve.types import ModelInfo


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
