"""Fine-tuning, for real but tiny."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny import RECIPE

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import open_bundle
from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.training import Recipe, Step, train


@pytest.mark.parametrize("format_", ["onnx", "onnx-int8"])
def test_training_learns_what_the_labels_say(
    trained_bundles: dict[str, Path], format_: str, labelled: Labelled
) -> None:
    model = OnnxModel(open_bundle(trained_bundles[format_]), threads=1)
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


def test_the_recipe_is_kept_with_the_checkpoint(trained: Path) -> None:
    assert json.loads((trained / "recipe.json").read_text())["seed"] == RECIPE.seed


def test_training_needs_labels_to_tell_apart(tmp_path: Path, encoder: Path) -> None:
    data = Labelled(("text",) * 40, ("same",) * 40)
    with pytest.raises(BadInputError, match="two labels"):
        train(data, encoder, tmp_path / "out")


def test_a_base_that_is_no_encoder_is_refused(tmp_path: Path, labelled: Labelled) -> None:
    with pytest.raises(BadInputError, match="no usable|not a usable"):
        train(labelled, tmp_path, tmp_path / "out")
