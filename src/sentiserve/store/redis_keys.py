"""How everything is called in Redis.

    ss1:{S}:p:PLATFORM/ID/MODEL:#:#   a post's prediction, the truth (``redis_values``)
    ss1:{S}:a:#:MODEL:AUTHOR          an author's posts: a sorted set by the time they were seen
    ss1:{S}:t:#:MODEL:TAG             a hashtag's posts
    ss1:{S}:ra:MODEL  ss1:{S}:rt:MODEL   all authors or hashtags, by how many posts they have
    ss1:{S}:n:#:MODEL:HANDLE          the authors who have this case-folded handle
    ss1:{S}:m                         the platforms and models that there are
    ss1:{S}:l:MODEL                   all posts: a sorted set by the time they were predicted
    ss1:{S}:c:MODEL                   what each post counts for (``redis_counts.lua``)
    ss1:{S}:h:MODEL                   how many posts were seen in each hour, by HOUR:LABEL
    ss1:{S}:d:#:MODEL:TAG             the same, of a hashtag's posts
    ss1:{S}:sa:MODEL  ss1:{S}:st:MODEL   the tally of each author or hashtag
    ss1:{S}:b:MODEL                   the labels that there are
    ss1:{S}:w:MODEL                   posts that the version before put, and their HOUR:LABEL
    ss1:{S}:f:PLATFORM/ID:#:#         a post's true label
    ss1:{S}:j                         the posts that have one, by the time it was given

S is the shard, a hash tag: all that belongs to a post lies in one slot of a cluster. Each # is
the length of a part, so that names stay apart whatever is in them; all else is as it came, since
nothing in a key means anything to Redis, but for patterns, which ``posts_starting_with``
escapes.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from sentiserve.types import Author, Hashtag, PostRef

_SPECIAL = re.compile(r"([\\*?\[])")
_POST = re.compile(r"ss1:\{(\d+)\}:p:(.*):(\d+):(\d+)", re.DOTALL)


class PostKey(NamedTuple):
    """What a prediction's key says."""

    shard: int
    ref: PostRef
    model_id: str


def shard_of(ref: PostRef, shards: int) -> int:
    """Where a post lies; the same for every process, and for good."""
    return crc32(f"{ref.platform}/{ref.id}".encode()) % shards if shards > 1 else 0


def prefix(shard: int) -> str:
    """How every key of a shard begins."""
    return f"ss1:{{{shard}}}:"


def posts(shard: int, refs: Iterable[PostRef], model_id: str) -> list[bytes]:
    """The keys of a model's predictions."""
    start, model = f"{prefix(shard)}p:", f"/{model_id}:"
    return [
        f"{start}{ref.platform}/{ref.id}{model}{len(ref.platform)}:{len(ref.id)}".encode()
        for ref in refs
    ]


def post(shard: int, ref: PostRef, model_id: str) -> bytes:
    """The key of a prediction."""
    return posts(shard, [ref], model_id)[0]


def parse_post(key: str) -> PostKey | None:
    """What the key of a prediction says; None if it is no such key."""
    if (found := _POST.fullmatch(key)) is None:
        return None
    shard, text, first, second = found.groups()
    end = int(first) + 1 + int(second)
    ref = PostRef(text[: int(first)], text[int(first) + 1 : end])
    return PostKey(int(shard), ref, text[end + 1 :])


def posts_starting_with(text: str) -> str:
    """A pattern that finds the predictions of posts whose ``PLATFORM/ID`` begins so, and more."""
    return r"ss1:{*}:p:" + _SPECIAL.sub(r"\\\1", text) + "*"


def labels_starting_with(text: str) -> str:
    """A pattern that finds the labels of posts whose ``PLATFORM/ID`` begins so, and more."""
    return r"ss1:{*}:f:" + _SPECIAL.sub(r"\\\1", text) + "*"


def member(ref: PostRef) -> str:
    """A post in a sorted set."""
    return f"{ref.platform}/{ref.id}:{len(ref.platform)}:{len(ref.id)}"


def parse_member(text: str) -> PostRef:
    """The post in a sorted set."""
    names, first, second = text.rsplit(":", 2)
    return PostRef(names[: int(first)], names[int(first) + 1 : int(first) + 1 + int(second)])


def scope(model_id: str) -> str:
    """The part of a key that says whose predictions it is about."""
    return f"{len(model_id)}:{model_id}:"


def group(entity: Author | Hashtag) -> str:
    """An author or hashtag, with its kind; sorts as platform and name do, by code points."""
    if isinstance(entity, Hashtag):
        return f"t{entity.hashtag}"
    platform = entity.platform.replace("\0", "\0\1")
    return f"a{platform}\0\0{entity.author}"


def parse_group(text: str) -> Author | Hashtag:
    """The author or hashtag."""
    if text[0] == "t":
        return Hashtag(text[1:])
    platform, _, author = text[1:].partition("\0\0")
    return Author(platform.replace("\0\1", "\0"), author)


def posts_of(shard: int, group: str, model_id: str) -> str:
    """The sorted set of an author's or hashtag's posts."""
    return f"{prefix(shard)}{group[0]}:{scope(model_id)}{group[1:]}"


def ranks(shard: int, kind: str, model_id: str) -> str:
    """The sorted set of all authors or hashtags."""
    return f"{prefix(shard)}r{kind}:{model_id}"


def named(shard: int, handle: str, model_id: str) -> str:
    """The authors who have a handle, in any case."""
    return f"{prefix(shard)}n:{scope(model_id)}{handle.casefold()}"


def models(shard: int) -> str:
    """The platforms and models that there are."""
    return f"{prefix(shard)}m"


def model(platform: str, model_id: str) -> str:
    """A platform and a model, as a member of that set."""
    return f"{len(platform)}:{platform}{model_id}"


def parse_model(text: str) -> tuple[str, str]:
    """The platform and the model."""
    length, _, rest = text.partition(":")
    return rest[: int(length)], rest[int(length) :]


def latest(shard: int, model_id: str) -> str:
    """The sorted set of all posts."""
    return f"{prefix(shard)}l:{model_id}"


def hours(shard: int, model_id: str, hashtag: str | None = None) -> str:
    """How many posts, or posts with a hashtag, were seen in each hour, by hour and label."""
    if hashtag is None:
        return f"{prefix(shard)}h:{model_id}"
    return f"{prefix(shard)}d:{scope(model_id)}{hashtag}"


def counted(shard: int, model_id: str) -> str:
    """What each post counts for."""
    return f"{prefix(shard)}c:{model_id}"


def counted_before(shard: int, model_id: str) -> str:
    """What each post counts for that the version before put."""
    return f"{prefix(shard)}w:{model_id}"


def parse_slot(text: str) -> tuple[int, str]:
    """The hour since 1970 and the label that a count is for."""
    hour, _, label = text.partition(":")
    return int(hour), label


def label(shard: int, ref: PostRef) -> str:
    """The key of a post's true label."""
    return f"{prefix(shard)}f:{member(ref)}"


def parse_label(key: str) -> PostRef:
    """The post whose true label it is."""
    return parse_member(key.partition(":f:")[2])


def judged(shard: int) -> str:
    """The posts that have a true label."""
    return f"{prefix(shard)}j"
