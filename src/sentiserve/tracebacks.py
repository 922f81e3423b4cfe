"""Errors as the log tells them: where they came from, and of what kind they are.

What a model, a source or a library says of its error may repeat the text at which it failed. Our
own errors don't, and those of files and sockets name a path or an address: their words stay.
"""

import traceback

from structlog.typing import ExcInfo

from sentiserve.errors import SentiserveError

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def word_for_word(exc_info: ExcInfo) -> str:
    """The traceback as Python prints it."""
    return "".join(traceback.format_exception(*exc_info)).rstrip("\n")


def without_words(exc_info: ExcInfo) -> str:
    """The traceback, in which errors that aren't ours say what kind they are, and no more."""
    _, error, _ = exc_info
    return _told(error, set()).rstrip("\n")


def _told(error: BaseException, seen: set[int]) -> str:
    seen.add(id(error))
    before = ""
    if (cause := error.__cause__) is not None and id(cause) not in seen:
        before = _told(cause, seen) + _CAUSE
    elif (context := error.__context__) is not None and id(context) not in seen:
        before = "" if error.__suppress_context__ else _told(context, seen) + _CONTEXT
    places = "".join(traceback.format_tb(error.__traceback__))
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    words = f": {error}" if isinstance(error, SentiserveError | OSError) else ""
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    members = "".join(f"in the group:\n{_told(each, seen)}" for each in inner)
    return f"{before}Traceback (most recent call last):\n{places}{kind}{words}\n{members}"
