"""Errors as problem documents (RFC 9457), from one mapping."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sentiserve.api.schemas.wire import Problem
from sentiserve.errors import SentiserveError, UnauthorizedError

_log = structlog.get_logger(__name__)
_DETAILS = {  # in place of Starlette's, which only repeat the title
    404: "there is nothing at this path; /docs lists what there is",
    405: "this path has no such method; /docs lists what there is",
}
_TITLES = {  # RFC 9110's, which Python before 3.13 doesn't have
    413: "Content Too Large",
    422: "Unprocessable Content",
}
MEDIA_TYPE = "application/problem+json"
LONGEST_NAME = 40  # characters of a field's name that are repeated; callers may send any


def problem(status: int, detail: str, retry_after: int | None = None) -> Problem:
    """A problem document for a status."""
    return Problem(title=_title(status), status=status, detail=detail, retry_after=retry_after)


def problem_of(error: SentiserveError) -> Problem:
    """The problem document of an error, without what is not for callers; ``log`` tells that."""
    return problem(error.status, error.public or str(error), error.retry_after)


def failed() -> Problem:
    """The problem document of an error that nobody foresaw; the gate logs it."""
    detail = "something went wrong here; it has been logged under this request's id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def log(errors: Iterable[SentiserveError]) -> None:
    """Log what problem documents leave out, each reason once."""
    for reason in dict.fromkeys(str(error) for error in errors if error.public):
        _log.error("refused", reason=reason)


def problem_response(document: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document as an answer."""
    return JSONResponse(
        document.model_dump(mode="json"), document.status, headers, media_type=MEDIA_TYPE
    )


def headers_of(error: SentiserveError) -> dict[str, str]:
    """The headers that go with an error."""
    if isinstance(error, UnauthorizedError):
        return {"WWW-Authenticate": 'Basic realm="sentiserve"'}
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(SentiserveError, _on_sentiserve_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    # Starlette answers by this, and then lets the error go on to the gate.
    app.add_exception_handler(Exception, _on_exception)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the problems that a route may answer."""
    return {
        status: {
            "description": _title(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


async def _on_sentiserve_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SentiserveError)  # noqa: S101  # as registered above
    log([error])
    return problem_response(problem_of(error), headers_of(error))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as registered above
    detail = _explain(error.errors())
    if request.method == "POST" and "json" not in request.headers.get("content-type", ""):
        detail = "the body must be JSON, sent with 'Content-Type: application/json'"
    return problem_response(problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail))


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # as registered above
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's, where the JSON reader gives up
        detail = "the body must be JSON in UTF-8, without deep nesting or numbers of endless digits"
        return problem_response(problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail))
    detail = _DETAILS.get(error.status_code, error.detail)
    return problem_response(problem(error.status_code, detail), error.headers)


async def _on_exception(_: Request, __: Exception) -> JSONResponse:
    return problem_response(failed())


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def _explain(errors: Sequence[Mapping[str, Any]]) -> str:
    """Where and what, without repeating what was sent."""
    return "; ".join(
        f"{'.'.join(str(part)[:LONGEST_NAME] for part in error['loc'])}: {error['msg']}"
        for error in errors[:10]
    )
