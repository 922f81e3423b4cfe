"""What the tests of training and export start from."""

from pathlib import Path

import pytest
import torch
from tiny import labelled_texts, write_encoder

from sentiserve.models.labelled import Labelled


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
