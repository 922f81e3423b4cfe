"""Kinds of texts, to see on which of them a model is good. The words are English."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.models.preprocessing import LINK, MENTION
from sentiserve.texts import unescaped
from sentiserve.types import Post, Sentiment

_NEGATION = re.compile(
    r"\b(?:not?|never|none|nobody|nothing|neither|nor|nowhere|cannot|\w+n['\u2019]t"
    r"|(?:ai|are|ca|could|did|do|does|had|has|have|is|should|was|were|wo|would)nt)\b",
    re.IGNORECASE,
)
# The blocks of pictures and flags, the older symbols, and the sign that asks for a picture.
EMOJI = re.compile("[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f]")
_SHOUTED = 2  # words in capitals, of at least two letters


def is_short(text: str) -> bool:
    """Up to 10 words."""
    return len(text.split()) <= 10


def is_medium(text: str) -> bool:
    """From 11 to 20 words."""
    return 10 < len(text.split()) <= 20


def is_long(text: str) -> bool:
    """More than 20 words."""
    return len(text.split()) > 20


def has_negation(text: str) -> bool:
    """Something is denied: not, never, isn't, dont."""
    return _NEGATION.search(text) is not None


def has_emoji(text: str) -> bool:
    """A picture among the characters; ``:-)`` is none."""
    return EMOJI.search(text) is not None


def has_hashtag(text: str) -> bool:
    """A hashtag, as in ``Post.hashtags``."""
    return bool(Post.of_text(text).hashtags)


def has_mention(text: str) -> bool:
    """An ``@name``."""
    return MENTION.search(text) is not None


def has_link(text: str) -> bool:
    """A URL."""
    return LINK.search(text) is not None


def is_shouted(text: str) -> bool:
    """At least two words in capitals that are no hashtag, mention or link."""
    words = [word for word in LINK.sub("", text).split() if word[0] not in "#@"]
    return sum(word.isupper() and sum(map(str.isalpha, word)) > 1 for word in words) >= _SHOUTED


SLICES = MappingProxyType[str, Callable[[str], bool]](
    {
        "up to 10 words": is_short,
        "11 to 20 words": is_medium,
        "over 20 words": is_long,
        "negation": has_negation,
        "emoji": has_emoji,
        "hashtag": has_hashtag,
        "mention": has_mention,
        "link": has_link,
        "all caps": is_shouted,
    }
)


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """What the predictions for one kind of text are worth.

    Attributes:
        macro_recall: None where not every label is there, as in ``Evaluation``.
        accuracy: None where there are no texts.
    """

    texts: int
    macro_recall: float | None
    accuracy: float | None


def by_slice(
    labels: Sequence[str], data: Labelled, sentiments: Sequence[Sentiment]
) -> dict[str, SliceFigures]:
    """Figures for each of ``SLICES``, which overlap; the arguments are those of ``evaluate``."""
    texts = [unescaped(text) for text in data.texts]
    return {
        name: _figures(labels, data, sentiments, [i for i, text in enumerate(texts) if holds(text)])
        for name, holds in SLICES.items()
    }


def _figures(
    labels: Sequence[str], data: Labelled, sentiments: Sequence[Sentiment], chosen: Sequence[int]
) -> SliceFigures:
    if not chosen:
        return SliceFigures(0, None, None)
    part = Labelled(
        tuple(data.texts[i] for i in chosen),
        tuple(data.labels[i] for i in chosen),
    )
    said = [sentiments[i] for i in chosen]
    found = evaluate(labels, part, said).figures
    return SliceFigures(len(chosen), found["macro_recall"], found["accuracy"])
