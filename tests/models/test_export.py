"""From a checkpoint to a bundle that says the same."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from checkpoints import (
    ARCHITECTURES,
    LABELS,
    SAFE,
    Checkpoints,
    Exports,
    edit_config,
    sample_texts,
)
from disk import room_for
from safetensors.torch import load_file, save_file
from tiny import TRAINED
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.models import formats
from sentiserve.models.bundle import CARD, open_bundle
from sentiserve.models.checkpoint import load_checkpoint
from sentiserve.models.export import Description, export
from sentiserve.models.labelled import Labelled
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.quantisation import IDS
from sentiserve.models.registry import load_model
from sentiserve.protocols import Model
from sentiserve.testing.model import ModelContract

TEXTS = (*sample_texts()[:6], "a", "🎉🎉 ❤️ #party", "Zażółć gęślą jaźń, 今日は!", "word " * 600)
FORMATS = ("onnx", "torchscript")
GRAPHS = (
    "roberta", "bert", "distilbert", "mpnet", "xlm-roberta", "deberta-v2", "albert", "modernbert",
)  # fmt: skip
MANY = 512
PLAIN = Description("plain", "1", "MIT", "none")


class TestFloatModel(ModelContract):
    """An exported model keeps the contract of every model."""

    @pytest.fixture(autouse=True)
    def _bundle(self, exported: Exports) -> None:
        self.bundle = exported("roberta", "onnx")

    def make_model(self) -> Model:
        return load_model(self.bundle, threads=1)


class TestInt8Model(ModelContract):
    """So does one with int8 weights."""

    @pytest.fixture(autouse=True)
    def _bundle(self, trained_bundles: dict[str, Path]) -> None:
        self.bundle = trained_bundles["onnx-int8"]

    def make_model(self) -> Model:
        return load_model(self.bundle, threads=1)


def expected_scores(path: Path, max_tokens: int) -> list[list[float]]:
    """Transformers' own scores, with its own tokenizer, each text alone and unpadded."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSequenceClassification.from_pretrained(path).eval()
    scores = []
    with torch.inference_mode():
        for text in TEXTS:
            inputs = tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")
            scores.append(model(**inputs).logits.softmax(dim=-1)[0].tolist())
    return scores


@pytest.mark.parametrize(
    ("architecture", "format_"),
    [*((name, "torchscript") for name in ARCHITECTURES), *((name, "onnx") for name in GRAPHS)],
)
def test_scores_are_those_of_transformers_alone_and_in_a_padded_batch(
    checkpoint: Checkpoints, exported: Exports, architecture: str, format_: str
) -> None:
    model = load_model(exported(architecture, format_), threads=1)
    expected = expected_scores(checkpoint(architecture), model.info.max_tokens)
    together = model.predict(TEXTS)
    alone = [model.predict([text])[0] for text in TEXTS]
    for found in (together, alone):
        for sentiment, scores in zip(found, expected, strict=True):
            assert list(sentiment.scores.values()) == pytest.approx(scores, abs=1e-4)
    assert [sentiment.truncated for sentiment in together][-1]


@pytest.mark.parametrize("architecture", GRAPHS)
def test_int8_scores_are_nearly_those_of_transformers(
    tmp_path: Path,
    checkpoint: Checkpoints,
    exported: Exports,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
) -> None:
    exact = onnx.load(exported(architecture, "onnx") / "model.onnx")
    monkeypatch.setattr(formats, "_to_onnx", lambda _: exact)  # made once: it takes long
    export(checkpoint(architecture), tmp_path / "out", "onnx-int8", PLAIN)
    model = load_model(tmp_path / "out", threads=1)
    expected = expected_scores(checkpoint(architecture), model.info.max_tokens)
    for sentiment, scores in zip(model.predict(TEXTS), expected, strict=True):
        assert list(sentiment.scores.values()) == pytest.approx(scores, abs=0.1)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_model_with_514_positions_reads_512_tokens(exported: Exports, format_: str) -> None:
    model = load_model(exported("roberta", format_), threads=1)
    assert model.info.max_tokens == MANY
    whole, cut = model.predict(["a" * (MANY - 2), "a" * 5_000])
    assert (whole.truncated, cut.truncated) == (False, True)


@pytest.mark.parametrize("architecture", ["roberta", "bert", "modernbert"])
def test_the_graphs_inputs_and_output_are_those_of_every_bundle(
    exported: Exports, architecture: str
) -> None:
    graph = onnx.load(exported(architecture, "onnx") / "model.onnx").graph
    assert [value.name for value in graph.input] == ["input_ids", "attention_mask"]
    assert [value.name for value in graph.output] == ["logits"]


def test_weights_that_layers_share_are_written_once(exported: Exports) -> None:
    graph = onnx.load(exported("albert", "onnx") / "model.onnx").graph
    tensors = [(t.data_type, *t.dims, t.raw_data) for t in graph.initializer]
    assert len(tensors) == len(set(tensors))


def test_a_bundle_is_complete_in_itself(trained_bundles: dict[str, Path]) -> None:
    for bundle in trained_bundles.values():
        manifest = open_bundle(bundle).manifest
        assert manifest.labels == ("negative", "neutral", "positive")
        assert set(manifest.files) == {"model.onnx", "tokenizer.json", CARD}
        assert (bundle / CARD).read_text() == TRAINED.card


def test_int8_is_smaller_and_says_nearly_the_same(
    trained_bundles: dict[str, Path], labelled: Labelled
) -> None:
    exact, rough = (
        OnnxModel(open_bundle(trained_bundles[name]), threads=1).predict(labelled.texts)
        for name in ("onnx", "onnx-int8")
    )
    for one, other in zip(exact, rough, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=0.05)
    sizes = [
        (trained_bundles[name] / "model.onnx").stat().st_size for name in ("onnx", "onnx-int8")
    ]
    assert sizes[1] < sizes[0] / 2


def test_every_product_with_weights_is_int8(trained_bundles: dict[str, Path]) -> None:
    operators = Counter(
        node.op_type for node in onnx.load(trained_bundles["onnx-int8"] / "model.onnx").graph.node
    )
    layers = 2
    assert operators["QAttention"] == layers  # with the projections of query, key and value
    assert operators["MatMulIntegerToFloat"] == 3 * layers
    assert operators["MatMul"] <= layers  # of outliers, which stay in float


def test_a_bundle_tells_nothing_of_the_machine_it_was_made_on(
    exported: Exports, trained_bundles: dict[str, Path]
) -> None:
    for bundle in (*trained_bundles.values(), exported("bert", "torchscript")):
        raw = open_bundle(bundle).weights.read_bytes()
        for trace in (b"site-packages", b"/transformers/", f"{Path(__file__).parent}".encode()):
            assert trace not in raw


@pytest.mark.parametrize("format_", FORMATS)
def test_exporting_twice_replaces_the_bundle_and_keeps_its_id(
    tmp_path: Path, checkpoint: Checkpoints, exported: Exports, format_: str
) -> None:
    out = Path(shutil.copytree(exported("bert", format_), tmp_path / "bundle"))
    before = open_bundle(out).manifest
    assert export(checkpoint("bert"), out, format_, PLAIN).model_id == before.model_id
    assert open_bundle(out).manifest.name == "plain"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_directory_with_other_things_is_not_overwritten(
    tmp_path: Path, checkpoint: Checkpoints
) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(BadInputError, match="is no model bundle.*name an empty directory"):
        export(checkpoint("bert"), tmp_path, "onnx", PLAIN)
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.fixture
def old(tmp_path: Path, exported: Exports) -> Iterator[Path]:
    """A bundle that must be as it was when the test has ended, with nothing beside it."""
    out = Path(shutil.copytree(exported("bert", "torchscript"), tmp_path / "out" / "bundle"))
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    yield out
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


def test_an_unusable_checkpoint_leaves_the_old_bundle(
    tmp_path: Path, checkpoint: Checkpoints, old: Path
) -> None:
    broken = Path(shutil.copytree(checkpoint("bert"), tmp_path / "broken"))
    (broken / "vocab.txt").unlink()
    with pytest.raises(BadInputError, match="broken has no tokenizer"):
        export(broken, old, "torchscript", PLAIN)


def weighted(checkpoint: Path, out: Path, name: str, factor: float) -> Path:
    """A copy, some of whose weights are multiplied."""
    shutil.copytree(checkpoint, out)
    weights = load_file(out / SAFE)
    weights[name] *= factor
    save_file(weights, out / SAFE, {"format": "pt"})
    return out


@pytest.mark.parametrize("factor", [float("nan"), 1e30])
@pytest.mark.parametrize("format_", formats.FORMATS)
def test_a_model_that_gives_no_numbers_leaves_the_old_bundle(
    tmp_path: Path, checkpoint: Checkpoints, old: Path, format_: str, factor: float
) -> None:
    name = "bert.encoder.layer.0.output.dense.weight"
    broken = weighted(checkpoint("bert"), tmp_path / "broken", name, factor)
    with pytest.raises(BadInputError, match="no numbers"):
        export(broken, old, format_, PLAIN)


def test_int8_that_fails_says_what_does_not(
    checkpoint: Checkpoints, exported: Exports, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking a graph fails where it is larger than protobuf's 2 GB."""

    def too_large(_: object) -> None:
        raise ValueError("This protobuf of onnx model is too large (>2GB).")

    exact = onnx.load(exported("bert", "onnx") / "model.onnx")
    monkeypatch.setattr(formats, "_to_onnx", lambda _: exact)  # made once: it takes long
    monkeypatch.setattr(onnx.checker, "check_model", too_large)
    with pytest.raises(BadInputError, match="cannot be made int8; try --format onnx"):
        export(checkpoint("bert"), old, "onnx-int8", PLAIN)


def test_a_full_disk_leaves_the_old_bundle(checkpoint: Checkpoints, old: Path) -> None:
    with room_for(10_000), pytest.raises(SentiserveError, match="cannot be written: File too"):
        export(checkpoint("bert"), old, "torchscript", PLAIN)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, checkpoint: Checkpoints) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "bundle"):
        with pytest.raises(SentiserveError, match=f"{out}"):
            export(checkpoint("bert"), out, "torchscript", PLAIN)


@pytest.mark.parametrize(
    ("architecture", "wanted", "got"),
    [("roberta", None, 128), ("bert", None, 66), ("mpnet", None, 64), ("roberta", 300, 300)],
)
def test_texts_are_cut_where_asked_or_at_128_tokens_or_where_the_model_ends(
    tmp_path: Path, checkpoint: Checkpoints, architecture: str, wanted: int | None, got: int
) -> None:
    description = Description("cut", "1", "MIT", max_tokens=wanted)
    out = tmp_path / "out"
    manifest = export(checkpoint(architecture), out, "torchscript", description)
    assert manifest.max_tokens == got


def test_more_tokens_than_the_model_has_positions_are_refused(
    tmp_path: Path, checkpoint: Checkpoints
) -> None:
    description = Description("many", "1", "MIT", max_tokens=513)
    with pytest.raises(BadInputError, match="positions for 512 tokens"):
        export(checkpoint("roberta"), tmp_path / "out", "onnx", description)


def test_labels_are_named_by_who_exports(tmp_path: Path, checkpoint: Checkpoints) -> None:
    unnamed = Path(shutil.copytree(checkpoint("bert"), tmp_path / "unnamed"))
    edit_config(unnamed, id2label={str(i): f"LABEL_{i}" for i in range(3)})
    with pytest.raises(BadInputError, match="--labels"):
        export(unnamed, tmp_path / "out", "torchscript", PLAIN)
    manifest = export(unnamed, tmp_path / "out", "torchscript", PLAIN, labels=LABELS)
    assert manifest.labels == LABELS


def test_weights_that_no_onnx_file_can_hold_are_refused(
    tmp_path: Path, checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a lower limit, for the true one takes two gigabytes to reach."""
    monkeypatch.setattr(formats, "_ONNX_LIMIT", 10_000)
    with pytest.raises(BadInputError, match="an ONNX file holds .*--format torchscript"):
        export(checkpoint("bert"), tmp_path / "out", "onnx", PLAIN)


@pytest.mark.parametrize(
    ("format_", "preprocessing", "says"),
    [
        ("pdf", "none", "format 'pdf'; known are onnx-int8, onnx, torchscript"),
        ("onnx", "shout", "preprocessing 'shout'; known are none, tweet-v1"),
    ],
)
def test_unknown_formats_and_preprocessings_are_refused(
    tmp_path: Path, checkpoint: Checkpoints, format_: str, preprocessing: str, says: str
) -> None:
    with pytest.raises(BadInputError, match=says):
        export(checkpoint("bert"), tmp_path, format_, Description("x", "1", "MIT", preprocessing))


@pytest.mark.parametrize(
    ("wanted", "prepared", "cut"),
    [({}, "tweet-v1", 16), ({"preprocessing": "none", "max_tokens": 20}, "none", 20)],
)
def test_texts_are_prepared_and_cut_as_in_training_unless_told_otherwise(
    tmp_path: Path, trained: Path, wanted: dict[str, Any], prepared: str, cut: int
) -> None:
    description = Description("x", "1", "MIT", **wanted)
    manifest = export(trained, tmp_path / "out", "torchscript", description)
    assert (manifest.preprocessing, manifest.max_tokens) == (prepared, cut)


def test_texts_are_left_as_they_are_where_nothing_says_how_they_were_in_training(
    tmp_path: Path, checkpoint: Checkpoints
) -> None:
    description = Description("x", "1", "MIT")
    manifest = export(checkpoint("bert"), tmp_path / "out", "torchscript", description)
    assert manifest.preprocessing == "none"


def test_int8_scales_are_chosen_on_texts_up_to_the_longest(checkpoint: Checkpoints) -> None:
    feeds = formats._feeds(load_checkpoint(checkpoint("roberta")), sample_texts(), MANY)
    assert max(feed[IDS].shape[1] for feed in feeds) == MANY
    assert max(feed[IDS].size for feed in feeds) <= 4 * MANY
