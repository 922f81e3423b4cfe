"""Hugging Face directories: which are read, and which are refused with what words."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import (
    LABELS,
    SAFE,
    Checkpoints,
    Touch,
    edit_config,
    pickle_weights,
    write_bert,
    write_model,
)
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM

from sentiserve.errors import BadInputError
from sentiserve.models.checkpoint import licence_of, load_checkpoint, recipe_of


@pytest.fixture
def bert(tmp_path: Path, checkpoint: Checkpoints) -> Path:
    """A whole checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "bert"))


@pytest.fixture
def roberta(tmp_path: Path, checkpoint: Checkpoints) -> Path:
    """Another, in the layout of cardiffnlp/twitter-roberta-base-sentiment-latest."""
    return Path(shutil.copytree(checkpoint("roberta"), tmp_path / "roberta"))


def edit_weights(path: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    weights = load_file(path / SAFE)
    edit(weights)
    save_file(weights, path / SAFE, {"format": "pt"})
    return path


def test_byte_level_bpe_gets_robertas_special_tokens(roberta: Path) -> None:
    tokenizer = load_checkpoint(roberta).tokenizer
    encoding = tokenizer.encode("The soup was cold. 🎉")
    assert (encoding.tokens[0], encoding.tokens[-1]) == ("<s>", "</s>")
    assert (encoding.ids[0], encoding.ids[-1]) == (0, 2)
    assert encoding.tokens[1] in {"The", "Th", "T"}  # no space goes before the first word
    assert tokenizer.decode(encoding.ids) == "The soup was cold. 🎉"
    assert tokenizer.encode("<mask>").ids == [0, tokenizer.token_to_id("<mask>"), 2]


def test_sentence_pieces_of_xlm_roberta_are_shifted_by_one(checkpoint: Checkpoints) -> None:
    """Its first four ids are fairseq's special tokens, where SentencePiece has three."""
    path = checkpoint("xlm-roberta")
    pieces = SentencePieceProcessor(model_file=str(path / "sentencepiece.bpe.model"))
    text = "The soup was cold, and nobody minded."
    expected = [0, *(i + 1 for i in pieces.encode(text)), 2]
    assert load_checkpoint(path).tokenizer.encode(text).ids == expected


@pytest.mark.parametrize(("architecture", "pad"), [("roberta", 1), ("mpnet", 1), ("bert", 0)])
def test_the_tokenizer_knows_the_models_padding(
    checkpoint: Checkpoints, architecture: str, pad: int
) -> None:
    saved = load_checkpoint(checkpoint(architecture)).tokenizer.to_str()
    padding = Tokenizer.from_str(saved).padding
    assert padding is not None
    assert padding["pad_id"] == pad
    assert padding["direction"] == "right"


@pytest.mark.parametrize(
    ("architecture", "most"),
    [("roberta", 512), ("xlm-roberta", 64), ("mpnet", 64), ("bert", 66), ("deberta-v2", 66)],
)
def test_roberta_and_its_kin_use_no_positions_up_to_their_padding(
    checkpoint: Checkpoints, architecture: str, most: int
) -> None:
    assert load_checkpoint(checkpoint(architecture)).max_tokens == most


@pytest.mark.parametrize("config", [{"id2label": None}, {"id2label": None, "num_labels": 3}])
def test_labels_without_names_are_named_by_who_exports(
    roberta: Path, config: dict[str, Any]
) -> None:
    edit_config(roberta, **config)
    assert load_checkpoint(roberta, LABELS).labels == LABELS
    with pytest.raises(BadInputError, match="doesn't name its .*--labels negative"):
        load_checkpoint(roberta)


def test_label_n_is_no_name(roberta: Path) -> None:
    edit_config(roberta, id2label={str(i): f"LABEL_{i}" for i in range(3)})
    with pytest.raises(BadInputError, match="doesn't name its 3 labels.*--labels"):
        load_checkpoint(roberta)
    assert load_checkpoint(roberta, LABELS).labels == LABELS


def test_a_wrong_number_of_labels_is_refused_with_the_right_one(bert: Path) -> None:
    with pytest.raises(BadInputError, match="has 3 labels .*--labels names 2"):
        load_checkpoint(bert, ["bad", "good"])
    edit_config(bert, id2label=None)
    with pytest.raises(BadInputError, match=r"classifier.bias has the shape \(3,\).*\(2,\)"):
        load_checkpoint(bert, ["bad", "good"])


@pytest.mark.parametrize("labels", [("a", "a", "b"), ("a", "", "b")])
def test_each_label_needs_a_name_of_its_own(bert: Path, labels: tuple[str, ...]) -> None:
    with pytest.raises(BadInputError, match="a name of its own"):
        load_checkpoint(bert, labels)


def test_old_checkpoints_with_keys_that_nobody_needs_are_read(roberta: Path) -> None:
    """Of the years when positions and an unused pooler were saved, pickled, and tuples given."""
    before = load_checkpoint(roberta).model
    pickle_weights(
        roberta,
        **{
            "roberta.embeddings.position_ids": torch.arange(514).expand((1, -1)),
            "roberta.pooler.dense.weight": torch.ones(32, 32),
            "roberta.pooler.dense.bias": torch.ones(32),
        },
    )
    edit_config(roberta, return_dict=False, torchscript=True)
    after = load_checkpoint(roberta, allow_pickle=True).model
    ids = torch.tensor([[0, 5, 6, 2]])
    with torch.inference_mode():
        assert torch.equal(after(ids, return_dict=True).logits, before(ids).logits)


def test_half_precision_is_read_as_floats(bert: Path) -> None:
    edit_weights(bert, lambda w: w.update({name: w[name].half() for name in w}))
    edit_config(bert, dtype="float16")
    assert {p.dtype for p in load_checkpoint(bert).model.parameters()} == {torch.float32}


def test_pickled_weights_are_read_only_if_allowed(bert: Path) -> None:
    pickle_weights(bert)
    with pytest.raises(BadInputError, match="--allow-pickle"):
        load_checkpoint(bert)
    assert load_checkpoint(bert, allow_pickle=True).labels == LABELS


def test_a_pickle_that_holds_more_than_weights_is_not_executed(bert: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    pickle_weights(bert, more=Touch(touched))
    with pytest.raises(BadInputError, match="holds more than weights"):
        load_checkpoint(bert, allow_pickle=True)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": None}, "names no model_type"),
        ({"model_type": "gpt2"}, "this gpt2 is no classifying encoder"),
        ({"model_type": "llama"}, "this llama is no classifying encoder"),
        ({"model_type": "bart"}, "this bart is no classifying encoder"),
        ({"model_type": "invented"}, "this invented is no classifying encoder"),
        ({"is_decoder": True}, "this bert is no classifying encoder"),
        ({"auto_map": {"AutoModel": "modeling.Own"}}, "code of its own"),
        ({"architectures": ["BertForMaskedLM"]}, "without a classification head.*model train"),
        ({"problem_type": "multi_label_classification"}, "problem_type is multi_label"),
        ({"problem_type": "regression"}, "problem_type is regression"),
        ({"id2label": {"0": "score"}}, "has one label"),
        ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "without a gap"),
        ({"id2label": {str(i): f"label {i}" for i in range(5)}}, r"shape \(3,\).*\(5,\)"),
        ({"vocab_size": 100}, "word_embeddings.weight has the shape"),
        ({"pad_token_id": -1}, r"config\.json: pad_token_id is -1"),
        ({"pad_token_id": 410}, "no usable checkpoint: Padding_idx"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_configuration_of_something_else_is_refused(
    bert: Path, changes: dict[str, Any], says: str
) -> None:
    edit_config(bert, **changes)
    with pytest.raises(BadInputError, match=says):
        load_checkpoint(bert)


def test_an_architecture_that_does_not_count_its_positions_is_refused(tmp_path: Path) -> None:
    sizes = {"d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 64, "block_sizes": [1]}
    own_names = dict.fromkeys(("hidden_size", "num_hidden_layers", "num_attention_heads"))
    write_bert(tmp_path)
    write_model(tmp_path, "funnel", **sizes, **own_names, max_position_embeddings=None)
    with pytest.raises(BadInputError, match="max_position_embeddings.*this funnel can't be used"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, "\udc80"])
def test_a_configuration_that_cannot_be_read_is_refused(bert: Path, content: str) -> None:
    (bert / "config.json").write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(BadInputError, match=r"config\.json: "):
        load_checkpoint(bert)


@pytest.mark.parametrize("names", [["BertForMaskedLM"], None])
def test_a_model_without_a_head_is_refused_whatever_its_configuration_says(
    bert: Path, names: list[str] | None
) -> None:
    """Transformers would give it a random one."""
    torch.manual_seed(1)
    model: Any = AutoModelForMaskedLM.from_config(load_checkpoint(bert).model.config)
    model.save_pretrained(bert)
    edit_config(bert, architectures=names)
    with pytest.raises(BadInputError, match=r"head|no weights for .*model train"):
        load_checkpoint(bert)


def test_damaged_weights_are_refused(bert: Path) -> None:
    whole = (bert / SAFE).read_bytes()
    for raw in (whole[: len(whole) // 2], b"no weights" * 100, b""):
        (bert / SAFE).write_bytes(raw)
        with pytest.raises(BadInputError, match="no usable checkpoint"):
            load_checkpoint(bert)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("config.json", "has no config.json"),
        (SAFE, "has no weights"),
        ("merges.txt", "no usable tokenizer: .*needs tokenizer.json"),
        ("vocab.json", "no usable tokenizer: .*needs tokenizer.json"),
    ],
)
def test_a_checkpoint_that_lacks_a_file_is_refused(roberta: Path, missing: str, says: str) -> None:
    (roberta / missing).unlink()
    with pytest.raises(BadInputError, match=says):
        load_checkpoint(roberta)


def test_a_damaged_tokenizer_is_refused(bert: Path) -> None:
    (bert / "tokenizer.json").write_text("{}")
    with pytest.raises(BadInputError, match="no usable tokenizer"):
        load_checkpoint(bert)


def test_a_tokenizer_with_more_ids_than_the_model_knows_is_refused(bert: Path) -> None:
    tokenizer = load_checkpoint(bert).tokenizer
    tokenizer.add_tokens([f"new{i}" for i in range(50)])
    tokenizer.save(str(bert / "tokenizer.json"))
    with pytest.raises(BadInputError, match="the tokenizer has ids up to"):
        load_checkpoint(bert)


def test_a_tokenizer_that_adds_nothing_around_a_text_is_refused(bert: Path) -> None:
    tokenizer = Tokenizer(load_checkpoint(bert).tokenizer.model)
    tokenizer.save(str(bert / "tokenizer.json"))
    with pytest.raises(BadInputError, match="adds no tokens around a text"):
        load_checkpoint(bert)


@pytest.mark.parametrize(
    "recipe",
    ['{"preprocessing": "shout"}', '{"preprocessing": 3}', '{"max_tokens": "80"}',
     '{"max_tokens": 0}', "{", "[]", "\udc80"],
)  # fmt: skip
def test_a_recipe_that_cannot_be_used_is_refused(tmp_path: Path, recipe: str) -> None:
    (tmp_path / "recipe.json").write_text(recipe, "utf-8", errors="surrogateescape")
    with pytest.raises(BadInputError, match=r"recipe\.json: "):
        recipe_of(tmp_path)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: cc-by-4.0\n---\n# Model\n", "cc-by-4.0"),
        ('---\r\nlicense: "mit"\r\n---\r\n', "mit"),
        ("# Model\n\nlicense: mit\n", "unknown"),
        ("---\ntags: [a]\n---\nlicense: mit\n", "unknown"),
        ("---\nlicense:\n- mit\n---\n", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_licence_is_that_of_the_cards_front_matter(
    tmp_path: Path, card: str | None, licence: str
) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card, newline="")
    assert licence_of(tmp_path) == licence
