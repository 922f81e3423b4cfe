"""X's oEmbed on loopback: it answers for the posts that a test gives it, as X does."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sentiserve.testing.server import Server
from sentiserve.types import Post

_STATUS = re.compile(r"https://(?:x|twitter)\.com/[A-Za-z0-9_/]+/status/([0-9]+)")


class OEmbedServer(Server):
    """X's oEmbed; it needs no key, and knows no limit.

    Attributes:
        posts: what there is, by id; a test may add and remove.
        protected: ids of posts that only their authors' followers see.
    """

    def __init__(self, posts: Iterable[Post] = ()) -> None:
        """Take the posts."""
        super().__init__([Route("/oembed", self._oembed)])
        self.posts = {post.ref.id: post for post in posts}
        self.protected: set[str] = set()

    async def _oembed(self, request: Request) -> Response:
        found = _STATUS.fullmatch(request.query_params.get("url", ""))
        if found is None:
            return JSONResponse({"error": "Invalid url"}, 400)
        if found[1] in self.protected:
            message = "Sorry, you are not authorized to see this status."
            return JSONResponse({"error": message}, 403)
        post = self.posts.get(found[1])
        if post is None:
            return HTMLResponse("<!doctype html><title>Page not found</title>", 404)
        return JSONResponse(oembed_answer(post))


def oembed_answer(post: Post) -> dict[str, Any]:
    """What oEmbed says of a post: one paragraph, then who wrote it, and the day."""
    handle = post.author_handle or "somebody"
    url = f"https://twitter.com/{handle}/status/{post.ref.id}"
    text = escape(post.text, quote=False).replace("\n", "<br>")
    day = post.created_at.strftime("%B %d, %Y") if post.created_at else "March 21, 2006"
    return {
        "url": url,
        "author_name": handle.title(),
        "author_url": f"https://twitter.com/{handle}",
        "html": f'<blockquote class="twitter-tweet" data-dnt="true"><p lang="en" dir="ltr">{text}'
        f'</p>&mdash; {handle.title()} (@{handle}) <a href="{url}?ref_src=twsrc%5Etfw">{day}</a>'
        "</blockquote>\n\n",
        "width": 550,
        "height": None,
        "type": "rich",
        "cache_age": "3153600000",
        "provider_name": "Twitter",
        "provider_url": "https://twitter.com",
        "version": "1.0",
    }
