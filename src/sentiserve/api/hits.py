"""The hit path: what is remembered is answered in front of the app, by the shortest way.

The app has the same route, for everything else: what isn't remembered, and every error.
"""

from typing import Literal
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sentiserve.api.answers import Route, result, send_json
from sentiserve.inference import Inference, Url

PATH = "/v1/inference"
QUERY = b"tweetUrl"
_ROUTE = Route(PATH)


class Hits:
    """ASGI middleware that answers ``GET /v1/inference`` from memory, where it can."""

    def __init__(
        self, app: ASGIApp, inference: Inference, return_text: Literal["all", "own"]
    ) -> None:
        """Take the app that answers the rest."""
        self._app = app
        self._inference = inference
        self._return_text = return_text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        url = _asked(scope["query_string"])
        answer = None
        if url is not None:
            state = scope["state"]
            answer, state["looked_up"] = await self._inference.remembered(Url(url), state["timing"])
        if answer is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        await send_json(send, msgspec.json.encode(result(answer, self._return_text)))


def _asked(query: bytes) -> str | None:
    """The URL, where it is all that the query says, and plainly."""
    name, _, value = query.partition(b"=")
    if name != QUERY or not value or b"&" in value or b"+" in value:
        return None
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None
