"""What was forgotten."""

from pydantic import Field

from sentiserve.api.schemas.wire import Wire
from sentiserve.forgetting import Forgotten


class ForgottenOut(Wire):
    """How many predictions are gone."""

    online: int = Field(description="From the store.")
    offline: int = Field(description="From the history.")

    @classmethod
    def of(cls, forgotten: Forgotten) -> "ForgottenOut":
        """The numbers as they go out."""
        return cls(online=forgotten.online, offline=forgotten.offline)
