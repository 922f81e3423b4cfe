"""What all schemas share: names, bounds and problems."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

MAX_INPUTS = 256
MAX_NAME = 300  # characters of a name, an id or a feature
_MAX_NAMES = 32  # in an object that is sent


class Wire(BaseModel):
    """Base of every schema: snake_case here, camelCase outside."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, extra="forbid"
    )


def few(value: object) -> object:
    """Refuse an object with very many names: an error for each would fill the memory."""
    if isinstance(value, dict) and len(value) > _MAX_NAMES:
        raise ValueError(f"has more than {_MAX_NAMES} names")
    return value


class Sent(Wire):
    """Base of what is sent to us."""

    _has_few_names = model_validator(mode="before")(few)


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
