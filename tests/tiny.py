"""A tiny encoder in the layout of a Hugging Face directory, and invented texts to train it on."""

from pathlib import Path

from sentiserve.models.export import Description
from sentiserve.models.labelled import Labelled
from sentiserve.models.training import Recipe

RECIPE = Recipe(epochs=16, batch_size=8, learning_rate=3e-3, max_tokens=16)
TRAINED = Description("tiny", "1", "Apache-2.0", max_tokens=32, card="# tiny\n")

GOOD = ("lovely", "great", "happy", "best", "wonderful")
BAD = ("awful", "sad", "worst", "broken", "horrible")
PLAIN = ("table", "monday", "report", "station", "paper")
_REST = ("what", "a", "day", "the", "is", "this", "@", "user", "http", "!", ".")
_PATTERNS = ("what a {} day", "this is {}", "the {} day !", "{} {} {}")


def labelled_texts() -> Labelled:
    """Sixty texts with three labels that their words give away."""
    words = {"negative": BAD, "neutral": PLAIN, "positive": GOOD}
    rows = [
        (pattern.replace("{}", word), label)
        for label, some in words.items()
        for word in some
        for pattern in _PATTERNS
    ]
    return Labelled(tuple(text for text, _ in rows), tuple(label for _, label in rows))


def write_encoder(directory: Path) -> Path:
    """An untrained BERT with two layers, 64 wide, with 128 positions."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *PLAIN, *_REST]
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
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(directory)
    return directory
