"""What a pasted URL means. Pure: nothing is resolved or fetched here, nor later from the URL.

An id is unique on its platform: a number on X, ``RKEY@ACTOR`` on Bluesky, ``ID@HOST`` on
Mastodon.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from sentiserve.types import PostRef

X = "x"
BLUESKY = "bluesky"
MASTODON = "mastodon"

_X_HOST = re.compile(
    r"(?:www\.|mobile\.|m\.)?(?:twitter|x)\.com"
    r"|(?:www\.)?(?:vxtwitter|fxtwitter|fixupx|fixvx)\.com"
)
_AROUND = " \t\r\n\u200b<>().,"  # what comes along when people copy
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_X_ID = re.compile(r"[1-9][0-9]{0,18}")
_X_PATH = re.compile(
    r"/(?:(?:[A-Za-z0-9_]{1,50}|i/web)/status(?:es)?|statuses)/([1-9][0-9]{0,18})"
    r"(?:/(?:photo|video)/[0-9]{1,2}|/(?:analytics|history|likes|quotes|retweets|[a-z]{2}))?/?"
)
_HANDLE_OR_DID = r"([A-Za-z0-9][A-Za-z0-9.-]{1,252}|did:[a-z]+:[A-Za-z0-9._:%-]{1,250})"
_RKEY = r"([A-Za-z0-9._~-]{1,64})"
_BLUESKY_PATH = re.compile(rf"/profile/{_HANDLE_OR_DID}/post/{_RKEY}/?")
_AT_URI = re.compile(rf"at://{_HANDLE_OR_DID}/app\.bsky\.feed\.post/{_RKEY}/?")
_MASTODON_PATH = re.compile(
    r"(?:/web|/deck)?/(?:@[\w.-]{1,64}(?:@[\w.-]{1,253})?|users/[\w.-]{1,64}/statuses|statuses)"
    r"/([0-9]{1,20})(?:/(?:activity|embed))?/?"
)
# The last label begins with a letter, so no IP address is a host name.
_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def parse_url(url: str, x_mirrors: Collection[str] = ()) -> PostRef | None:
    """The post that a URL means, or None for a form that isn't known.

    Args:
        url: a post's URL, ``at://`` URI, or bare X id.
        x_mirrors: further hosts whose paths are those of X (Nitter's, say).
    """
    url = url.strip(_AROUND)
    if _X_ID.fullmatch(url):
        return PostRef(X, url)
    if at_uri := _AT_URI.fullmatch(url):
        return _bluesky(*at_uri.groups())
    parts = _split(url)
    if parts is None:
        return None
    host, path = parts
    if _X_HOST.fullmatch(host) or host in {mirror.lower() for mirror in x_mirrors}:
        match = _X_PATH.fullmatch(path)
        return PostRef(X, match[1]) if match else None
    if host in {"bsky.app", "www.bsky.app"}:
        match = _BLUESKY_PATH.fullmatch(path)
        return _bluesky(*match.groups()) if match else None
    match = _MASTODON_PATH.fullmatch(path)
    return PostRef(MASTODON, f"{match[1]}@{host}") if match else None


def _bluesky(actor: str, rkey: str) -> PostRef:
    return PostRef(BLUESKY, f"{rkey}@{actor if actor.startswith('did:') else actor.lower()}")


def _split(url: str) -> tuple[str, str] | None:
    """Host and path of a web URL that names nothing but a public host and a path."""
    try:
        parts = urlsplit(url if _SCHEME.match(url) else f"https://{url.removeprefix('//')}")
        plain = parts.scheme in {"http", "https"} and parts.port in {None, 80, 443}
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    if not plain or "@" in parts.netloc or not _HOST_NAME.fullmatch(host):
        return None
    path = parts.fragment[1:] if parts.fragment.startswith("!/") else parts.path
    return host, unquote(path)
