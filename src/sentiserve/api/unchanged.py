"""What is asked for again and again is sent only when it changed."""

from collections.abc import Mapping
from hashlib import sha256

from fastapi import Request, Response
from pydantic import BaseModel

# May be kept, by the caller alone, but is asked for anew: mostly that is a 304.
_PRIVATE = {"Cache-Control": "private, no-cache"}


def answer(request: Request, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """The body, or that the one which the caller has is still right."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    tagged = {**headers, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=tagged)
    return Response(body, media_type=media_type, headers=tagged)


def document(request: Request, found: BaseModel) -> Response:
    """The same of a JSON document."""
    return answer(request, found.model_dump_json().encode(), "application/json", _PRIVATE)
