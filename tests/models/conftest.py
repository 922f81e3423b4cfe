"""A tiny encoder in the layout of a Hugging Face directory, trained on invented texts."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from sentiserve.models.labelled import Labelled

GOOD = ("lovely", "great", "happy", "best", "wonderful")
BAD = ("awful", "sad", "worst", "broken", "horrible")
PLAIN = ("table", "monday", "report", "station", "paper")
REST = ("what", "a", "day", "the", "is", "this", "@", "user", "http", "!", ".")


@pytest.fixture(scope="session")
def labelled() -> Labelled:
    texts, labels = [], []
    for label, words in (("negative", BAD), ("neutral", PLAIN), ("positive", GOOD)):
        for word in words:
            for pattern in ("what a {} day", "this is {}", "the {} day !", "{} {} {}"):
                texts.append(pattern.replace("{}", word))
                labels.append(label)
    return Labelled(tuple(texts), tuple(labels))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained BERT with two layers, 64 wide, with 48 positions."""
    directory = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *PLAIN, *REST]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=48,
    )
    BertModel(config).save_pretrained(directory)
    return directory
