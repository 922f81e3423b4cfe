"""What may be asked, what it means, and what is answered."""

from dataclasses import dataclass

import msgspec

from sentiserve.errors import BadInputError, SentiserveError, UnknownURLError
from sentiserve.protocols import Source
from sentiserve.texts import checked_text
from sentiserve.types import Post, PostRef, Prediction

_MAX_URL = 2_048  # characters
_ABOUT = ("url", "author_id", "author_handle", "created_at")  # what a post is known by, and when


@dataclass(frozen=True, slots=True)
class Text:
    """A text to classify."""

    text: str


@dataclass(frozen=True, slots=True)
class Url:
    """A post to fetch and classify."""

    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction, and whether it was remembered."""

    prediction: Prediction
    cached: bool


Question = Text | Url | Post
"""A post is one that is at hand, of a feed say: it isn't fetched."""
Outcome = Answer | SentiserveError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question means."""

    ref: PostRef
    post: Post | None = None  # None until fetched

    def edits(self, kept: Prediction) -> bool:
        """Whether the post is at hand, with another text than the one that was predicted."""
        return self.post is not None and self.post.text != kept.post.text

    def completed(self, kept: Prediction) -> Post:
        """The remembered post, with what only the one at hand says of it."""
        if self.post is None:
            return kept.post
        lacking = {
            name: value
            for name in _ABOUT
            if getattr(kept.post, name) is None and (value := getattr(self.post, name)) is not None
        }
        return msgspec.structs.replace(kept.post, **lacking) if lacking else kept.post


def parse(question: Question, source: Source) -> Wanted | SentiserveError:
    """The post that is asked for, by the forms that the source knows; or why there is none."""
    try:
        if isinstance(question, Post):
            checked_text(question.text)
            return Wanted(question.ref, question)
        if isinstance(question, Text):
            post = Post.of_text(checked_text(question.text))
            return Wanted(post.ref, post)
        if len(question.url) > _MAX_URL:
            raise BadInputError(f"the URL is longer than {_MAX_URL:,} characters")
        ref = source.parse(question.url)
    except BadInputError as error:
        return error
    if ref is None:
        return UnknownURLError(
            "this is no post's URL that is known here; one looks like https://x.com/USER/status/ID"
        )
    return Wanted(ref)
