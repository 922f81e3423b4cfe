"""From an encoder and labelled texts to a bundle that serves, for real but tiny."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import CARD, open_bundle
from sentiserve.models.evaluation import evaluate
from sentiserve.models.export import FORMATS, Description, export
from sentiserve.models.labelled import Labelled
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.training import Recipe, Step, train
from sentiserve.protocols import Model
from sentiserve.testing.model import ModelContract

RECIPE = Recipe(epochs=16, batch_size=8, learning_rate=3e-3, max_tokens=16)
DESCRIPTION = Description("tiny", "1", "Apache-2.0", max_tokens=32, card="# tiny\n")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, encoder: Path, labelled: Labelled) -> Path:
    out = tmp_path_factory.mktemp("checkpoint")
    train(labelled, encoder, out, RECIPE)
    return out


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> dict[str, Path]:
    """A bundle of each format."""
    directory = tmp_path_factory.mktemp("bundles")
    for name in FORMATS:
        export(checkpoint, directory / name, name, DESCRIPTION)
    return {name: directory / name for name in FORMATS}


@pytest.fixture(params=FORMATS)
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Path]) -> Path:
    return bundles[request.param]


class ExportedModel(ModelContract):
    """What was trained and exported keeps the contract of every model."""

    format_: str

    @pytest.fixture(autouse=True)
    def _bundle(self, bundles: dict[str, Path]) -> None:
        self.bundle = bundles[self.format_]

    def make_model(self) -> Model:
        return OnnxModel(open_bundle(self.bundle), threads=1)


class TestFloatModel(ExportedModel):
    format_ = "onnx"


class TestInt8Model(ExportedModel):
    format_ = "onnx-int8"


def test_training_learns_what_the_labels_say(bundle: Path, labelled: Labelled) -> None:
    model = OnnxModel(open_bundle(bundle), threads=1)
    result = evaluate(model.info.labels, labelled, model.predict(labelled.texts))
    assert result.macro_recall > 0.95


def test_progress_counts_every_step_and_the_loss_falls(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    steps: list[Step] = []
    train(labelled, encoder, tmp_path / "out", RECIPE, steps.append)
    assert [step.number for step in steps] == list(range(1, steps[0].total + 1))
    per_epoch = steps[0].total // RECIPE.epochs
    losses = [step.loss for step in steps]
    assert np.mean(losses[-per_epoch:]) < np.mean(losses[:per_epoch])


def test_the_same_seed_gives_the_same_order_and_weights(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    recipe = Recipe(epochs=1, batch_size=8)
    losses: list[list[float]] = [[], []]
    for run in (0, 1):
        train(labelled, encoder, tmp_path / str(run), recipe, lambda s: losses[run].append(s.loss))  # noqa: B023  # called in the loop
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_recipe_is_kept_with_the_checkpoint(checkpoint: Path) -> None:
    assert json.loads((checkpoint / "recipe.json").read_text())["seed"] == RECIPE.seed


def test_a_bundle_is_complete_in_itself(bundle: Path) -> None:
    manifest = open_bundle(bundle).manifest
    assert manifest.labels == ("negative", "neutral", "positive")
    assert set(manifest.files) == {"model.onnx", "tokenizer.json", CARD}
    assert (bundle / CARD).read_text() == DESCRIPTION.card


def test_int8_is_smaller_and_says_nearly_the_same(
    bundles: dict[str, Path], labelled: Labelled
) -> None:
    exact, rough = (
        OnnxModel(open_bundle(bundles[name]), threads=1).predict(labelled.texts)
        for name in ("onnx", "onnx-int8")
    )
    for one, other in zip(exact, rough, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=0.05)
    sizes = [(bundles[name] / "model.onnx").stat().st_size for name in ("onnx", "onnx-int8")]
    assert sizes[1] < sizes[0] / 2


def test_every_product_with_weights_is_int8(bundles: dict[str, Path]) -> None:
    operators = Counter(
        node.op_type for node in onnx.load(bundles["onnx-int8"] / "model.onnx").graph.node
    )
    assert operators["MatMulInteger"] == 2 * 6  # six products in each of two layers
    assert operators["MatMul"] == 2 * 2  # attention's, of activations with one another


def test_a_bundle_tells_nothing_of_the_machine_it_was_made_on(bundle: Path) -> None:
    raw = (bundle / "model.onnx").read_bytes()
    assert b"site-packages" not in raw
    assert b".py" not in raw


def test_exporting_twice_replaces_the_bundle_and_keeps_its_id(
    tmp_path: Path, checkpoint: Path, bundles: dict[str, Path]
) -> None:
    out = Path(shutil.copytree(bundles["onnx"], tmp_path / "bundle"))
    before = open_bundle(out).manifest
    assert export(checkpoint, out, "onnx", DESCRIPTION).model_id == before.model_id
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_directory_with_other_things_is_not_overwritten(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(BadInputError, match="is no bundle"):
        export(checkpoint, tmp_path, "onnx", DESCRIPTION)
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_incomplete_checkpoint_is_refused_and_the_old_bundle_stays(
    tmp_path: Path, checkpoint: Path, bundles: dict[str, Path], missing: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(checkpoint, broken)
    (broken / missing).unlink()
    out = Path(shutil.copytree(bundles["onnx"], tmp_path / "bundle"))
    before = open_bundle(out).manifest
    with pytest.raises(BadInputError, match="broken"):
        export(broken, out, "onnx", DESCRIPTION)
    assert open_bundle(out).manifest == before


def test_more_tokens_than_the_model_has_positions_are_refused(
    tmp_path: Path, checkpoint: Path
) -> None:
    description = Description("tiny", "1", "Apache-2.0", max_tokens=64)
    with pytest.raises(BadInputError, match="48 positions"):
        export(checkpoint, tmp_path / "out", "onnx", description)


def test_training_needs_labels_to_tell_apart(tmp_path: Path, encoder: Path) -> None:
    data = Labelled(("text",) * 40, ("same",) * 40)
    with pytest.raises(BadInputError, match="two labels"):
        train(data, encoder, tmp_path / "out")


def test_a_base_that_is_no_encoder_is_refused(tmp_path: Path, labelled: Labelled) -> None:
    with pytest.raises(BadInputError, match="no usable|not a usable"):
        train(labelled, tmp_path, tmp_path / "out")
