"""Posts, authors and beginnings of names, as people write them."""

from sentiserve.errors import BadInputError
from sentiserve.types import Author, PostRef, Prefix


def post_named(platform: str, post_id: str) -> PostRef:
    """The post.

    Raises:
        BadInputError: a part is empty or no valid Unicode, or it is a URL.
    """
    return PostRef(_platform(platform), _checked("post's id", post_id))


def author_named(platform: str, name: str) -> Author:
    """The author, by id or by handle, with or without ``@``.

    Raises:
        BadInputError: a part is empty or no valid Unicode, or it is a URL.
    """
    name = _checked("author's id or handle", name.removeprefix("@"))
    return Author(_platform(platform), name)


def prefix_named(text: str) -> Prefix:
    """The posts whose ``PLATFORM/ID`` begins so.

    Raises:
        BadInputError: the text is empty, which would be everything, or no valid Unicode.
    """
    return Prefix(_checked("prefix", text))


def _platform(name: str) -> str:
    if name in {"http:", "https:"}:  # or it would be forgotten, and nobody told that nothing was
        raise BadInputError("a URL is no name; write it as in x/1800000000000000001 or x/someone")
    return _checked("platform", name)


def _checked(what: str, name: str) -> str:
    if not name:
        raise BadInputError(
            f"the {what} is empty; write it as in x/1800000000000000001 or x/someone"
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInputError(f"the {what} is not valid Unicode; write it in UTF-8") from None
    return name
