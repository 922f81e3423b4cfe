"""The dashboard: a page, its style and its scripts, read once and sent from memory."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from sentiserve.api import unchanged

router = APIRouter(include_in_schema=False)

FILES = "/static/"
_PAGE = "index.html"
_METHODS = ["GET", "HEAD"]  # the second is what watches whether a site is up
_STYLES = ("insights", "figures.css")  # beside the page's own: the figures' look is theirs
# No address but ours, nothing in the page that a post could have brought: it has no inline script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-cache",  # may be kept, but is asked for anew: mostly that is a 304
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    body: bytes
    media_type: str

    def answer(self, request: Request) -> Response:
        """The file, or that the one which the browser has is still right."""
        return unchanged.answer(request, self.body, self.media_type, HEADERS)


def read() -> Mapping[str, File]:
    """All files of the page, by name."""
    package = resources.files("sentiserve")
    found = [file for file in (package / "api" / "page").iterdir() if file.is_file()]
    found.append(package.joinpath(*_STYLES))
    return {file.name: File(file.read_bytes(), _media_type(file.name)) for file in found}


@router.api_route("/", methods=_METHODS)
async def page(request: Request) -> Response:
    """The dashboard."""
    return _file(request, _PAGE)


@router.api_route(FILES + "{name}", methods=_METHODS)
async def file(request: Request, name: str) -> Response:
    """One of its files."""
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    files: Mapping[str, File] = request.app.state.page
    if name not in files:
        raise HTTPException(404)
    return files[name].answer(request)


def _media_type(name: str) -> str:
    """By the ending, whatever this machine calls it."""
    types = mimetypes.MimeTypes()  # without the system's files, which may say anything
    return {".js": "text/javascript"}.get(name[-3:]) or types.guess_type(name)[0] or "text/plain"
