"""What the tests of training and export start from; each export is made once."""

from functools import cache
from pathlib import Path

import pytest
import torch
from checkpoints import ARCHITECTURES, Checkpoints, Exports
from tiny import RECIPE, TRAINED, labelled_texts, write_encoder

from sentiserve.models.export import Description, export
from sentiserve.models.labelled import Labelled
from sentiserve.models.training import train


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """So small a model loses more by sharing its work than it gains."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def labelled() -> Labelled:
    return labelled_texts()


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path, labelled: Labelled) -> Path:
    """A fine-tuned checkpoint."""
    out = tmp_path_factory.mktemp("trained")
    train(labelled, encoder, out, RECIPE)
    return out


@pytest.fixture(scope="session")
def trained_bundles(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> dict[str, Path]:
    """A bundle of each ONNX format."""
    directory = tmp_path_factory.mktemp("bundles")
    for name in ("onnx", "onnx-int8"):
        export(trained, directory / name, name, TRAINED)
    return {name: directory / name for name in ("onnx", "onnx-int8")}


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
