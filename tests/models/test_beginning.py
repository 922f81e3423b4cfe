"""A long text is cut where the model can't see it any more, and nowhere else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from sentiserve.models.beginning import beginning
from sentiserve.models.bundle import default_bundle

MAX_TOKENS = 16
TOKENIZER = Tokenizer.from_file(str(default_bundle() / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.enable_truncation(MAX_TOKENS)
PIECES = st.one_of(
    st.sampled_from(
        ["word", "#tag", "don't", "\x01", "é", "\u0301", "🎉", "...", "&nbsp;", "日本"]
    ),
    st.text(max_size=5),
)


@given(st.lists(PIECES, max_size=60), st.sampled_from([" ", "\n", "\t ", "\u00a0"]))
def test_the_tokens_stay_what_they_are(pieces: list[str], space: str) -> None:
    text = space.join(pieces * 40)
    whole, cut = TOKENIZER.encode(text), TOKENIZER.encode(beginning(TOKENIZER, MAX_TOKENS)(text))
    assert cut.ids == whole.ids
    assert bool(cut.overflowing) == bool(whole.overflowing)


def test_most_of_a_long_text_is_cut() -> None:
    assert len(beginning(TOKENIZER, MAX_TOKENS)("word " * 20_000)) < 100


@pytest.mark.parametrize("piece", ["!?", "#", "😂", "@", "\u0301", "-_", "a!"])
def test_what_has_no_spaces_is_read_in_linear_time(piece: str) -> None:
    """Processor time, which other programs don't take: here 2 ms, a minute if it were squared."""
    text, started = piece * (100_000 // len(piece)), time.process_time()
    beginning(TOKENIZER, MAX_TOKENS)(text)
    assert time.process_time() - started < 5


def test_a_short_text_is_left_as_it_is() -> None:
    text = "word " * 100
    assert beginning(TOKENIZER, MAX_TOKENS)(text) == text


@pytest.mark.parametrize(
    "pre_tokenizer",
    [None, pre_tokenizers.Metaspace(split=False), pre_tokenizers.ByteLevel(use_regex=False)],
)
def test_where_spaces_part_nothing_texts_stay_whole(
    pre_tokenizer: pre_tokenizers.PreTokenizer | None,
) -> None:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    text = "word " * 20_000
    assert beginning(tokenizer, MAX_TOKENS)(text) == text


@pytest.mark.parametrize(
    "pre_tokenizer",
    [
        pre_tokenizers.Metaspace(),
        pre_tokenizers.ByteLevel(),
        pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.WhitespaceSplit()]),
    ],
)
def test_the_usual_tokenizers_part_at_spaces(pre_tokenizer: pre_tokenizers.PreTokenizer) -> None:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizer
    assert len(beginning(tokenizer, MAX_TOKENS)("word " * 20_000)) < 100
