"""Untrained classifiers of real architectures, tiny, with the files that real ones come in."""

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sentencepiece
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

Checkpoints = Callable[[str], Path]  # by architecture
Exports = Callable[[str, str], Path]  # by architecture and format
logging.disable_progress_bar()  # it would be among what is said

SAFE = "model.safetensors"
PICKLED = "pytorch_model.bin"
LABELS = ("negative", "neutral", "positive")
POSITIONS = 66
_VOCABULARY = 400
_BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_MPNET = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")


class Touch:
    """Pickled, it is a command that writes a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:  # noqa: D105  # the class says it
        return Path.touch, (self._file,)


@cache
def sample_texts() -> tuple[str, ...]:
    """The texts of the bundled sample."""
    lines = (resources.files("sentiserve") / "data" / "sample.jsonl").read_text("utf-8")
    return tuple(json.loads(line)["text"] for line in lines.splitlines())


def write_roberta(directory: Path, **changes: Any) -> Path:
    """As cardiffnlp's: vocabulary and merges, no tokenizer.json, and labels without names."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_ROBERTA),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(iter(sample_texts()), trainer)
    tokenizer.model.save(str(directory))
    bos, pad, eos, unknown, mask = _ROBERTA
    tokens = {"bos_token": bos, "pad_token": pad, "eos_token": eos, "unk_token": unknown}
    tokens |= {"cls_token": bos, "sep_token": eos, "mask_token": mask}
    (directory / "special_tokens_map.json").write_text(json.dumps(tokens))
    unnamed = {"num_labels": 3, "id2label": None}
    sizes = {"max_position_embeddings": 514, "type_vocab_size": 1}
    return write_model(directory, "roberta", **unnamed | sizes | changes)


def write_bert(directory: Path, **changes: Any) -> Path:
    """A vocabulary of word pieces, no tokenizer.json, and labels with names."""
    _write_word_pieces(directory, _BERT)
    return write_model(directory, "bert", **changes)


def write_model(directory: Path, architecture: str, **changes: Any) -> Path:
    """Random weights; wide ones, or every text would have nearly the same scores."""
    torch.manual_seed(2)
    given: dict[str, Any] = {
        "vocab_size": _VOCABULARY + 10,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "initializer_range": 0.3,
        "max_position_embeddings": POSITIONS,
        "id2label": dict(enumerate(LABELS)),
    }
    config = AutoConfig.for_model(
        architecture, **{k: v for k, v in (given | changes).items() if v is not None}
    )
    model: Any = AutoModelForSequenceClassification.from_config(config)
    model.save_pretrained(directory)
    return directory


def pickle_weights(path: Path, **more: Any) -> Path:
    """Keep its weights as a pickle only."""
    torch.save(load_file(path / SAFE) | more, path / PICKLED)
    (path / SAFE).unlink()
    return path


def edit_config(directory: Path, **changes: Any) -> Path:
    """Change what config.json says; None takes a key away."""
    file = directory / "config.json"
    config = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return directory


def _write_distilbert(directory: Path) -> Path:
    _write_word_pieces(directory, _BERT)
    sizes = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    own_names = dict.fromkeys(
        ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    )
    return write_model(directory, "distilbert", **sizes, **own_names)


def _write_electra(directory: Path) -> Path:
    _write_word_pieces(directory, _BERT)
    return write_model(directory, "electra", embedding_size=16)


def _write_mpnet(directory: Path) -> Path:
    _write_word_pieces(directory, _MPNET)
    return write_model(directory, "mpnet")


def _write_xlm_roberta(directory: Path) -> Path:
    _write_sentence_pieces(directory / "sentencepiece.bpe.model")
    return write_model(directory, "xlm-roberta", type_vocab_size=1, pad_token_id=1)


def _write_xlm_roberta_with_tokenizer_json(directory: Path) -> Path:
    _write_xlm_roberta(directory)
    AutoTokenizer.from_pretrained(directory).save_pretrained(directory)
    return directory


def _write_deberta(directory: Path) -> Path:
    pad, unknown, cls, sep, _ = _BERT
    ids = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3}
    pieces = {"pad_piece": pad, "bos_piece": cls, "eos_piece": sep, "unk_piece": unknown}
    _write_sentence_pieces(directory / "spm.model", **ids, **pieces)
    return write_model(
        directory,
        "deberta-v2",
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    )


def _write_albert(directory: Path) -> Path:
    ids = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "pad_piece": "<pad>"}
    _write_sentence_pieces(directory / "spiece.model", control_symbols="[CLS],[SEP],[MASK]", **ids)
    return write_model(directory, "albert", embedding_size=16, num_hidden_layers=2)


def _write_modernbert(directory: Path) -> Path:
    """tokenizer.json and nothing else, and layers that look at neighbours only."""
    tokenizer = _word_pieces(_BERT)
    cls, sep = ("[CLS]", 2), ("[SEP]", 3)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[cls, sep]
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    ids = {"pad_token_id": 0, "cls_token_id": 2, "bos_token_id": 2}
    ids |= {"sep_token_id": 3, "eos_token_id": 3}
    local = {"num_hidden_layers": 2, "local_attention": 8, "global_attn_every_n_layers": 2}
    return write_model(directory, "modernbert", **ids, **local)


ARCHITECTURES: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {
        "roberta": partial(write_roberta, id2label=dict(enumerate(LABELS))),
        "bert": write_bert,
        "distilbert": _write_distilbert,
        "electra": _write_electra,
        "mpnet": _write_mpnet,
        "xlm-roberta": _write_xlm_roberta,
        "xlm-roberta with tokenizer.json": _write_xlm_roberta_with_tokenizer_json,
        "deberta-v2": _write_deberta,
        "albert": _write_albert,
        "modernbert": _write_modernbert,
    }
)


def _word_pieces(special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=_VOCABULARY, special_tokens=list(special), show_progress=False
    )
    tokenizer.train_from_iterator((text.lower() for text in sample_texts()), trainer)
    return tokenizer


def _write_word_pieces(directory: Path, special: tuple[str, ...]) -> None:
    _word_pieces(special).model.save(str(directory))


def _write_sentence_pieces(file: Path, **options: Any) -> None:
    with file.open("wb") as written:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sample_texts()),
            model_writer=written,
            vocab_size=_VOCABULARY,
            hard_vocab_limit=False,
            minloglevel=2,
            **options,
        )
