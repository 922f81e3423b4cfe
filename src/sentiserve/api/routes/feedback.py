"""True labels of posts."""

from fastapi import APIRouter, Request

from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import log, problem_of, responses
from sentiserve.api.schemas.feedback import FeedbackIn, JudgementOut, JudgementsOut
from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.inference import Text, Url
from sentiserve.judging import Given
from sentiserve.names import post_named

router = APIRouter(prefix="/v1", tags=["feedback"], dependencies=STRICT)


@router.post("/feedback", summary="True labels", responses=responses(401, 413, 422, 429, 503))
async def feedback(request: Request, body: FeedbackIn, parts: PartsDep) -> JudgementsOut:
    """Keep the true labels of up to 256 posts that were asked about before.

    The answer says what had been predicted. A post's newest label counts.
    """
    if charge := getattr(request.state, "charge", None):  # see api/gate.py: one is counted there
        charge(max(0, len(body.items) - 1))
    outcomes = await parts.judging.judge([_given(item) for item in body.items])
    log(outcome for outcome in outcomes if isinstance(outcome, SentiserveError))
    return JudgementsOut(
        results=[
            problem_of(outcome)
            if isinstance(outcome, SentiserveError)
            else JudgementOut.of(outcome)
            for outcome in outcomes
        ]
    )


def _given(item: object) -> Given | BadInputError:
    match item:
        case {"url": str() as url, "label": str() as label, **rest} if not rest:
            return Url(url), label
        case {"text": str() as text, "label": str() as label, **rest} if not rest:
            return Text(text), label
        case {
            "platform": str() as platform,
            "id": str() as post_id,
            "label": str() as label,
            **rest,
        } if not rest:
            try:
                return post_named(platform, post_id), label
            except BadInputError as error:
                return error
    return BadInputError(
        'an item is {"url": "…", "label": "…"}, or has "text", or "platform" and "id", for "url"'
    )
