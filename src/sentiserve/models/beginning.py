"""The part of a long text that a model can see at all, found without tokenising the rest."""

import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from tokenizers import Tokenizer

_LONG = 2_000  # characters; cutting shorter texts saves nothing
_RUN = re.compile(r"\S+")
_WORD = re.compile(r"\w")  # letters and digits are tokens, whatever becomes of the rest


def beginning(tokenizer: Tokenizer, max_tokens: int) -> Callable[[str], str]:
    """A function that cuts texts so that their first tokens stay what they are.

    Where a tokenizer never joins what spaces part, each word is at least a token of its own, so
    what follows more words than the model sees tokens changes nothing. Texts for other
    tokenizers are left whole.

    Args:
        tokenizer: says by its pre-tokenizer whether spaces part.
        max_tokens: that the model sees.
    """
    pre_tokenizer = tokenizer.pre_tokenizer
    if pre_tokenizer is None or not _parts_at_spaces(json.loads(pre_tokenizer.__getstate__())):
        return lambda text: text

    def cut(text: str) -> str:
        if len(text) <= _LONG:
            return text
        words = (run for run in _RUN.finditer(text) if _WORD.search(run[0]))
        last = next(islice(words, max_tokens, None), None)
        return text if last is None else text[: last.end()]

    return cut


def _parts_at_spaces(pre_tokenizer: Mapping[str, Any]) -> bool:
    match pre_tokenizer:
        case {"type": "BertPreTokenizer" | "Whitespace" | "WhitespaceSplit"}:
            return True
        case {"type": "ByteLevel", "use_regex": True} | {"type": "Metaspace", "split": True}:
            return True
        case {"type": "Sequence", "pretokenizers": list() as parts}:
            return any(map(_parts_at_spaces, parts))
    return False
