"""What a table is made of."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``problem`` says why its values can't be trusted, if they can't."""

    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
