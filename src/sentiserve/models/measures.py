"""What is measured of a post's text, to notice when posts become others than they were."""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from zlib import crc32

from tokenizers import Encoding, Tokenizer

from sentiserve.errors import BundleError
from sentiserve.models.beginning import beginning
from sentiserve.models.bundle import TOKENIZER, Bundle
from sentiserve.models.languages import NAMES, language
from sentiserve.models.preprocessing import LINK, MENTION, preprocessing
from sentiserve.models.slices import EMOJI
from sentiserve.profile import Value, Values
from sentiserve.texts import unescaped
from sentiserve.types import Post

_MOST = 10_000  # characters of a text that are looked at; its length counts whole
_BUCKETS = 32  # for words: few enough that none tells which word, enough to tell topics apart
_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_WORD = "no word"

# Bins that mean something by themselves; of other numbers, a profile takes the tenths.
EDGES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "unknown": (0, 0.05, 0.1, 0.2),
        "links": (0, 1),
        "emoji": (0, 1, 3),
        "hashtags": (0, 1, 2),
        "mentions": (0, 1, 2),
    }
)
CATEGORIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "language": NAMES,
        "topic": (*(f"{bucket:02}" for bucket in range(_BUCKETS)), _NO_WORD),
    }
)


class Measures:
    """Measures texts: by themselves, and by the tokens that a bundle's tokenizer makes of them.

    - ``characters``: how many; ``links``, ``emoji``, ``hashtags``, ``mentions``: how many.
    - ``language``: see ``languages``.
    - ``topic``: into which of 32 buckets the longest word falls by its CRC-32. Long words are
      seldom function words, so other topics fill other buckets. One word of each post, so that
      posts count as independent, which the words of one post are not.
    - ``tokens``: how many the model reads; ``unknown``: the share that its tokenizer has no
      token for; ``pieces``: the share that only goes on with a word, because the tokenizer
      doesn't know the whole one. Only where the bundle has a tokenizer.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the bundle's tokenizer, if it has one.

        Raises:
            BundleError: it is none.
        """
        self._tokens = _Tokens(bundle) if TOKENIZER in bundle.manifest.files else None

    def __call__(self, texts: Sequence[str]) -> Values:
        """What is measured of each text, by name, in the texts' order."""
        rows = [_of_text(text) for text in texts]
        columns: dict[str, list[Value]] = {name: [row[name] for row in rows] for name in _NAMES}
        return columns | (self._tokens(texts) if self._tokens else {})


def _of_text(text: str) -> dict[str, Value]:
    seen = unescaped(text[:_MOST])
    words = MENTION.sub(" ", LINK.sub(" ", seen))
    return {
        "characters": len(text),
        "links": len(LINK.findall(seen)),
        "emoji": len(EMOJI.findall(seen)),
        "hashtags": len(Post.of_text(seen).hashtags),
        "mentions": len(MENTION.findall(seen)),
        "language": language(words),
        "topic": _topic(words),
    }


_NAMES = ("characters", "links", "emoji", "hashtags", "mentions", "language", "topic")


def _topic(text: str) -> str:
    longest = max(_WORD.findall(text.casefold()), key=len, default=None)
    return f"{crc32(longest.encode()) % _BUCKETS:02}" if longest else _NO_WORD


class _Tokens:
    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self._prepare = preprocessing(manifest.preprocessing)
        try:
            self._tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
        except Exception as error:  # tokenizers raises bare Exception
            raise BundleError(f"{bundle.tokenizer}: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(manifest.max_tokens)
        self._beginning = beginning(self._tokenizer, manifest.max_tokens)
        self._unknown = _unknown(self._tokenizer)

    def __call__(self, texts: Sequence[str]) -> dict[str, list[Value]]:
        prepared = [self._prepare(self._beginning(text)) for text in texts]
        encodings = self._tokenizer.encode_batch(prepared, add_special_tokens=False)
        return {
            "tokens": [len(encoding) for encoding in encodings],
            "unknown": [
                encoding.ids.count(self._unknown) / max(1, len(encoding)) for encoding in encodings
            ],
            "pieces": [_pieces(encoding) for encoding in encodings],
        }


def _pieces(encoding: Encoding) -> float:
    words = len(set(encoding.word_ids))
    return 1 - words / len(encoding) if len(encoding) else 0.0


def _unknown(tokenizer: Tokenizer) -> int:
    """The id of the token that stands for what has none; -1 where everything has one."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    if (token := model.get("unk_token")) is not None:
        found = tokenizer.token_to_id(token)
    else:
        found = model.get("unk_id")
    return -1 if found is None else int(found)
