"""Fine-tuning, for real but tiny."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import SAFE, Checkpoints, edit_config
from disk import room_for
from safetensors.torch import load_file, save_file
from tiny import RECIPE
from tokenizers import Tokenizer

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.models.bundle import TOKENIZER, open_bundle
from sentiserve.models.checkpoint import load_checkpoint
from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.training import Recipe, Step, train

QUICK = Recipe(epochs=1, batch_size=8, max_tokens=16)


@pytest.mark.parametrize("format_", ["onnx", "onnx-int8"])
def test_training_learns_what_the_labels_say(
    trained_bundles: dict[str, Path], format_: str, labelled: Labelled
) -> None:
    model = OnnxModel(open_bundle(trained_bundles[format_]), threads=1)
    result = evaluate(model.info.labels, labelled, model.predict(labelled.texts))
    assert result.macro_recall is not None
    assert result.macro_recall > 0.95


def test_progress_counts_every_step_and_the_loss_falls(
    training: tuple[Path, list[Step]],
) -> None:
    _, steps = training
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


@pytest.fixture
def base(tmp_path: Path, encoder: Path) -> Path:
    """An encoder that a test may spoil."""
    return Path(shutil.copytree(encoder, tmp_path / "base"))


def test_a_base_in_half_precision_is_trained_in_full(base: Path, labelled: Labelled) -> None:
    weights = load_file(base / SAFE)
    save_file({k: v.half() for k, v in weights.items()}, base / SAFE, {"format": "pt"})
    edit_config(base, dtype="float16")
    train(labelled, base, base.parent / "out", QUICK)
    saved = load_file(base.parent / "out" / SAFE)
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


def test_what_a_base_was_for_is_forgotten(base: Path, labelled: Labelled) -> None:
    edit_config(base, problem_type="multi_label_classification")
    train(labelled, base, base.parent / "out", QUICK)
    assert load_checkpoint(base.parent / "out").labels == ("negative", "neutral", "positive")


def test_a_base_needs_no_tokenizer_json(
    tmp_path: Path, checkpoint: Checkpoints, labelled: Labelled
) -> None:
    train(labelled, checkpoint("bert"), tmp_path / "out", QUICK)
    assert load_checkpoint(tmp_path / "out").tokenizer.encode("fine").tokens[0] == "[CLS]"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"is_decoder": True}, "no classifying encoder"),
        ({"model_type": "gpt2"}, "no classifying encoder"),
        ({"auto_map": {"AutoConfig": "own.Config"}}, "code of its own"),
        ({"vocab_size": 7}, "not a usable"),
    ],
)
def test_a_base_that_is_no_encoder_is_refused(
    base: Path, labelled: Labelled, changes: dict[str, object], says: str
) -> None:
    edit_config(base, **changes)
    with pytest.raises(BadInputError, match=says):
        train(labelled, base, base.parent / "out", QUICK)
    assert not (base.parent / "out").exists()


def test_a_base_that_is_not_there_is_refused(tmp_path: Path, labelled: Labelled) -> None:
    with pytest.raises(BadInputError, match=r"it has no config\.json"):
        train(labelled, tmp_path, tmp_path / "out")


def test_a_tokenizer_that_adds_nothing_around_a_text_is_refused(
    base: Path, labelled: Labelled
) -> None:
    Tokenizer(Tokenizer.from_file(str(base / TOKENIZER)).model).save(str(base / TOKENIZER))
    with pytest.raises(BadInputError, match="adds no tokens around a text"):
        train(labelled, base, base.parent / "out", QUICK)


def test_more_tokens_than_the_base_has_positions_for_are_refused(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    with pytest.raises(BadInputError, match="positions for 128 tokens; 129 are too many"):
        train(labelled, encoder, tmp_path / "out", replace(QUICK, max_tokens=129))


def test_a_place_that_cannot_be_written_is_refused_before_the_training(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    (tmp_path / "file").touch()
    steps: list[Step] = []
    for out in (tmp_path / "file", tmp_path / "file" / "out", Path("/proc/out")):
        with pytest.raises(SentiserveError, match=f"{out} cannot be written: "):
            train(labelled, encoder, out, QUICK, steps.append)
    assert not steps


def test_a_checkpoint_of_an_earlier_training_is_replaced(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    out = tmp_path / "out"
    for seed in (1, 2):
        train(labelled, encoder, out, replace(QUICK, seed=seed))
    assert json.loads((out / "recipe.json").read_text())["seed"] == 2
    assert set(tmp_path.iterdir()) == {out}


def test_what_training_has_not_written_stays(
    tmp_path: Path, encoder: Path, labelled: Labelled, trained: Path, bundle: Path
) -> None:
    notes = Path(shutil.copytree(trained, tmp_path / "checkpoint")) / "notes.txt"
    notes.touch()
    for out, says in (
        (notes.parent, "notes.txt would be deleted"),
        (bundle, "is no checkpoint of an earlier training; name an empty directory"),
        (encoder, "is the base itself; name another directory"),
    ):
        before = sorted(out.iterdir())
        with pytest.raises(BadInputError, match=says):
            train(labelled, encoder, out, QUICK)
        assert sorted(out.iterdir()) == before


def test_a_full_disk_is_one_line_and_leaves_the_earlier_checkpoint(
    tmp_path: Path, encoder: Path, labelled: Labelled, trained: Path
) -> None:
    out = Path(shutil.copytree(trained, tmp_path / "out"))
    before = (out / SAFE).read_bytes()
    with room_for(10_000), pytest.raises(SentiserveError, match=f"{out} cannot be written: ") as e:
        train(labelled, encoder, out, QUICK)
    assert "\n" not in str(e.value)
    assert (out / SAFE).read_bytes() == before
    assert set(tmp_path.iterdir()) == {out}


def test_a_head_for_other_labels_gives_way_to_a_new_one(
    tmp_path: Path, trained: Path, labelled: Labelled
) -> None:
    two = [(t, label) for t, label in zip(labelled.texts, labelled.labels, strict=True)
           if label != "neutral"]  # fmt: skip
    data = Labelled(tuple(text for text, _ in two), tuple(label for _, label in two))
    train(data, trained, tmp_path / "out", QUICK)
    assert load_checkpoint(tmp_path / "out").labels == ("negative", "positive")


def test_a_loss_out_of_all_bounds_ends_the_training(
    tmp_path: Path, encoder: Path, labelled: Labelled
) -> None:
    with pytest.raises(BadInputError, match=r"lower the learning rate, which is 1e\+30"):
        train(labelled, encoder, tmp_path / "out", replace(QUICK, learning_rate=1e30))
    assert not list((tmp_path / "out").iterdir())
