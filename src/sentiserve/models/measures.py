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
from sentiserve.profile import BUCKETS, Measured, Value
from sentiserve.texts import unescaped
from sentiserve.types import Post

_MOST = 10_000  # characters of a text that are looked at; its length counts whole
_WORD = re.compile(r"[^\W\d_]{4,}")  # shorter ones are mostly function words

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
CATEGORIES: Mapping[str, tuple[str, ...]] = MappingProxyType({"language": NAMES})


class Measures:
    """Measures texts: by themselves, and by the tokens that a bundle's tokenizer makes of them.

    - ``characters``: how many; ``links``, ``emoji``, ``hashtags``, ``mentions``: how many.
    - ``language``: see ``languages``.
    - ``tokens``: how many the model reads; ``unknown``: the share that its tokenizer has no
      token for; ``pieces``: the share that only goes on with a word, because the tokenizer
      doesn't know the whole one. Only where the bundle has a tokenizer.
    - the words of four letters and more, in buckets by their CRC-32: other topics fill others.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the bundle's tokenizer, if it has one.

        Raises:
            BundleError: it is none.
        """
        self._tokens = _Tokens(bundle) if TOKENIZER in bundle.manifest.files else None

    def __call__(self, texts: Sequence[str]) -> Measured:
        """What is measured of each text, in the texts' order."""
        seen = [unescaped(text[:_MOST]) for text in texts]
        words = [MENTION.sub(" ", LINK.sub(" ", text)) for text in seen]
        values: dict[str, Sequence[Value]] = {
            "characters": [len(text) for text in texts],
            "links": [len(LINK.findall(text)) for text in seen],
            "emoji": [len(EMOJI.findall(text)) for text in seen],
            "hashtags": [len(Post.of_text(text).hashtags) for text in seen],
            "mentions": [len(MENTION.findall(text)) for text in seen],
            "language": [language(text) for text in words],
        }
        if self._tokens:
            values |= self._tokens(texts)
        return Measured(values, [_buckets(text) for text in words])


def _buckets(text: str) -> frozenset[int]:
    return frozenset(crc32(word.encode()) % BUCKETS for word in _WORD.findall(text.casefold()))


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

    def __call__(self, texts: Sequence[str]) -> dict[str, Sequence[Value]]:
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
