"""Results as they go over the wire: what the schemas make of them, in a tenth of the time."""

from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import Send

from sentiserve.inference import Answer
from sentiserve.types import TEXT


def result(answer: Answer, return_text: Literal["all", "own"]) -> dict[str, Any]:
    """What SentimentOut makes of an answer."""
    prediction = answer.prediction
    post, sentiment = prediction.post, prediction.sentiment
    is_shown = return_text == "all" or post.ref.platform == TEXT
    return {
        "sentimentAnalyst": sentiment.label,
        "textInput": post.text if is_shown else None,
        "scores": sentiment.scores,
        "model": prediction.model_id,
        "cached": answer.cached,
        "truncated": sentiment.truncated,
        "post": {
            "platform": post.ref.platform,
            "id": post.ref.id,
            "url": post.url,
            "authorId": post.author_id,
            "authorHandle": post.author_handle,
            "createdAt": post.created_at,
        },
    }


@dataclass(frozen=True, slots=True)
class Route:
    """What logs and metrics call a request that is answered in front of the app."""

    path: str


async def send_json(send: Send, body: bytes) -> None:
    """Answer with status 200 and a JSON document."""
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
