"""What the tests of training and export start from; each export is made once."""

from functools import cache
from pathlib import Path

import onnx
import pytest
import torch
from checkpoints import ARCHITECTURES, Checkpoints, Exports
from tiny import RECIPE, TRAINED, labelled_texts, write_encoder

from sentiserve.models import formats
from sentiserve.models.export import Description, export
from sentiserve.models.labelled import Labelled
from sentiserve.models.training import Step, train


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    """So small a model loses more by sharing its work than it gains; others set other numbers."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def labelled() -> Labelled:
    return labelled_texts()


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def training(
    tmp_path_factory: pytest.TempPathFactory, encoder: Path, labelled: Labelled
) -> tuple[Path, list[Step]]:
    """A fine-tuned checkpoint, and the steps that led to it."""
    torch.set_num_threads(1)
    out, steps = tmp_path_factory.mktemp("trained"), list[Step]()
    train(labelled, encoder, out, RECIPE, steps.append)
    return out, steps


@pytest.fixture(scope="session")
def trained(training: tuple[Path, list[Step]]) -> Path:
    """The checkpoint; leave it as it is."""
    return training[0]


@pytest.fixture(scope="session")
def trained_bundles(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> dict[str, Path]:
    """A bundle of each ONNX format."""
    directory = tmp_path_factory.mktemp("bundles")
    bundles = {name: directory / name for name in ("onnx", "onnx-int8")}
    export(trained, bundles["onnx"], "onnx", TRAINED)
    with pytest.MonkeyPatch.context() as patch:
        exact = onnx.load(bundles["onnx"] / "model.onnx")
        patch.setattr(formats, "_to_onnx", lambda _: exact)  # made once: it takes long
        export(trained, bundles["onnx-int8"], "onnx-int8", TRAINED)
    return bundles


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    """An untrained checkpoint of an architecture; leave it as it is."""

    @cache
    def written(architecture: str) -> Path:
        return ARCHITECTURES[architecture](tmp_path_factory.mktemp("checkpoint"))

    return written


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoints) -> Exports:
    """A bundle of an architecture in a format, with all the tokens that it can take."""

    @cache
    def bundle(architecture: str, format_: str) -> Path:
        out = tmp_path_factory.mktemp("exported") / "bundle"
        tokens = 512 if architecture == "roberta" else None
        description = Description(architecture, "1", "MIT", "none", max_tokens=tokens)
        export(checkpoint(architecture), out, format_, description)
        return out

    return bundle
