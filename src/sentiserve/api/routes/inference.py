"""Sentiment of posts and texts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from sentiserve.api.dependencies import DOCUMENTED, PartsDep, SettingsDep, TimingDep
from sentiserve.api.leaving import unless_left
from sentiserve.api.problems import log, problem_of, responses
from sentiserve.api.schemas import Problem, SentimentIn, SentimentOut, SentimentsOut
from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.inference import Outcome, Text, Url

router = APIRouter(prefix="/v1", tags=["inference"], dependencies=DOCUMENTED)


@router.get(
    "/inference",
    summary="One post by URL",
    responses=responses(401, 403, 404, 410, 422, 429, 502, 503, 504),
)
async def by_url(
    request: Request,
    tweet_url: Annotated[
        str,
        Query(alias="tweetUrl", description="A post's URL on X, Bluesky or Mastodon, or an X id."),
    ],
    parts: PartsDep,
    settings: SettingsDep,
    timing: TimingDep,
) -> SentimentOut:
    """Find the post, and its sentiment; the second time from memory."""
    looked_up = getattr(request.state, "looked_up", False)  # see api/hits.py
    answer = parts.inference.answer([Url(tweet_url)], looked_up=looked_up)
    (outcome,), taken = await unless_left(request, answer)
    timing.take(taken)
    if isinstance(outcome, SentiserveError):
        raise outcome
    return SentimentOut.of(outcome, settings.return_text)


@router.post("/sentiment", summary="Texts and posts", responses=responses(401, 413, 422, 429))
async def batch(
    request: Request, body: SentimentIn, parts: PartsDep, settings: SettingsDep, timing: TimingDep
) -> SentimentsOut:
    """Classify up to 256 texts and posts; each gets its own result or its own problem."""
    if charge := getattr(request.state, "charge", None):  # see api/gate.py: one is counted there
        charge(len(body.inputs) - 1)
    questions = [_question(value) for value in body.inputs]
    good = [question for question in questions if not isinstance(question, SentiserveError)]
    answered, taken = await unless_left(request, parts.inference.answer(good))
    timing.take(taken)
    log(outcome for outcome in answered if isinstance(outcome, SentiserveError))
    outcomes = iter(answered)
    return SentimentsOut(
        results=[
            _result(
                question if isinstance(question, SentiserveError) else next(outcomes),
                settings.return_text,
            )
            for question in questions
        ]
    )


def _question(value: object) -> Text | Url | BadInputError:
    match value:
        case str() as text:
            return Text(text)
        case {"text": str() as text, **rest} if not rest:
            return Text(text)
        case {"url": str() as url, **rest} if not rest:
            return Url(url)
    return BadInputError('an input is a string, {"text": "…"} or {"url": "…"}')


def _result(outcome: Outcome, return_text: Literal["all", "own"]) -> SentimentOut | Problem:
    if isinstance(outcome, SentiserveError):
        return problem_of(outcome)
    return SentimentOut.of(outcome, return_text)
