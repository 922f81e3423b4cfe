"""How a text is prepared before it is tokenised; the name of each way is part of the model id."""

import re
from collections.abc import Callable
from types import MappingProxyType

from sentiserve.errors import BundleError
from sentiserve.texts import unescaped

MENTION = re.compile(r"(?<![\w@])@\w+")
LINK = re.compile(r"https?://\S+", re.IGNORECASE)


def as_posted(text: str) -> str:
    """Leave the text as it is."""
    return text


def tweet(text: str) -> str:
    """Undo HTML escapes, then turn mentions into ``@user`` and links into ``http``.

    The placeholders are those of TweetEval (Barbieri et al., 2020), on which the
    ``cardiffnlp/twitter-roberta-base`` models were trained.
    """
    return LINK.sub("http", MENTION.sub("@user", unescaped(text)))


# A change to what one of these returns needs a new name: old answers must not pass for new ones.
PREPROCESSING = MappingProxyType({"none": as_posted, "tweet-v1": tweet})


def preprocessing(name: str) -> Callable[[str], str]:
    """The function of that name.

    Raises:
        BundleError: no preprocessing has this name.
    """
    try:
        return PREPROCESSING[name]
    except KeyError:
        known = ", ".join(PREPROCESSING)
        raise BundleError(f"unknown preprocessing {name!r}; this version knows {known}") from None
