"""Lists of texts and posts, answered in front of the app; the app has the rest, and all errors.

Reading, checking and writing them there takes longer than to refuse what there is no room for,
or to find what is remembered.
"""

import json
from typing import Any, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiserve.api.answers import Route, result, send_json
from sentiserve.api.leaving import unless_left
from sentiserve.api.problems import log, problem, problem_of, problem_response
from sentiserve.api.schemas.wire import MAX_INPUTS
from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.inference import Inference, Outcome, Text, Url

PATH = "/v1/sentiment"
_ROUTE = Route(PATH)


class Lists:
    """ASGI middleware that answers ``POST /v1/sentiment`` where what is sent is plain."""

    def __init__(
        self, app: ASGIApp, inference: Inference, return_text: Literal["all", "own"]
    ) -> None:
        """Take the app that answers the rest."""
        self._app = app
        self._inference = inference
        self._return_text = return_text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        request = Request(scope, receive)
        try:
            body = await request.body()
        except HTTPException as error:  # the gate's: it is too large, or too slow
            document = problem(error.status_code, error.detail)
            await problem_response(document)(scope, receive, send)
            return
        inputs = _inputs(request, body)
        if inputs is None:
            await self._app(scope, _again(body, receive), send)
            return
        results = await answer(inputs, request, self._inference, self._return_text)
        await send_json(send, msgspec.json.encode({"results": results}))


async def answer(
    inputs: list[Any], request: Request, inference: Inference, return_text: Literal["all", "own"]
) -> list[dict[str, Any]]:
    """A result or a problem for each input, as it goes over the wire."""
    if charge := getattr(request.state, "charge", None):  # see api/gate.py: one is counted there
        charge(max(0, len(inputs) - 1))
    questions = [_question(value) for value in inputs]
    good = [question for question in questions if not isinstance(question, SentiserveError)]
    async with unless_left(request):
        answered, taken = await inference.answer(good)
    request.state.timing.take(taken)
    log(outcome for outcome in answered if isinstance(outcome, SentiserveError))
    outcomes = iter(answered)
    return [
        _result(question if isinstance(question, SentiserveError) else next(outcomes), return_text)
        for question in questions
    ]


def _inputs(request: Request, body: bytes) -> list[Any] | None:
    """The inputs, if what was sent is nothing but a list of them."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.keys() != {"inputs"}:
        return None
    inputs = document["inputs"]
    return inputs if isinstance(inputs, list) and len(inputs) <= MAX_INPUTS else None


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives the body once more, and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _question(value: object) -> Text | Url | BadInputError:
    match value:
        case str() as text:
            return Text(text)
        case {"text": str() as text, **rest} if not rest:
            return Text(text)
        case {"url": str() as url, **rest} if not rest:
            return Url(url)
    return BadInputError('an input is a string, {"text": "…"} or {"url": "…"}')


def _result(outcome: Outcome, return_text: Literal["all", "own"]) -> dict[str, Any]:
    if isinstance(outcome, SentiserveError):
        return problem_of(outcome).model_dump(mode="json")
    return result(outcome, return_text)
