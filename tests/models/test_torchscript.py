"""The TorchScript engine."""

import io
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checkpoints import Exports, Touch
from msgspec import structs
from processes import PATIENCE
from structlog.testing import capture_logs

from sentiserve.errors import BundleError
from sentiserve.models.bundle import Bundle, digest, open_bundle, write_manifest
from sentiserve.models.registry import load_model
from sentiserve.models.torchscript import TorchScriptModel
from sentiserve.protocols import Model
from sentiserve.testing.model import ModelContract


class TestTorchScriptModel(ModelContract):
    """An exported archive keeps the contract of every model."""

    @pytest.fixture(autouse=True)
    def _bundle(self, exported: Exports) -> None:
        self.bundle = exported("roberta", "torchscript")

    def make_model(self) -> Model:
        return load_model(self.bundle, threads=1)


@pytest.fixture
def bundle(tmp_path: Path, exported: Exports) -> Path:
    """A bundle that a test may spoil."""
    return Path(shutil.copytree(exported("bert", "torchscript"), tmp_path / "bundle"))


def with_weights(path: Path, raw: bytes) -> Bundle:
    """The bundle with other weights, and a manifest that says so."""
    manifest = open_bundle(path).manifest
    (path / "model.pt").write_bytes(raw)
    files = manifest.files | {"model.pt": digest(path / "model.pt")}
    write_manifest(path, structs.replace(manifest, files=files))
    return open_bundle(path)


class TwoScores(torch.nn.Module):
    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (ids * mask)[:, :2].float()


class NoInputs(torch.nn.Module):
    def forward(self) -> torch.Tensor:
        return torch.zeros(1, 3)


def archive(module: torch.nn.Module) -> bytes:
    raw = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="deprecated"):
        torch.jit.save(torch.jit.script(module), raw)
    return raw.getvalue()


def test_a_file_that_is_no_archive_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="not a usable TorchScript archive"):
        TorchScriptModel(with_weights(bundle, b"no model"))


def test_a_pickle_in_place_of_an_archive_is_not_unpickled(bundle: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    saved = io.BytesIO()
    torch.save(Touch(touched), saved)
    for raw in (pickle.dumps(Touch(touched)), saved.getvalue()):
        with pytest.raises(BundleError, match="not a usable TorchScript archive"):
            TorchScriptModel(with_weights(bundle, raw))
    assert not touched.exists()


def test_an_archive_that_scores_another_number_of_labels_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="as many scores as labels"):
        TorchScriptModel(with_weights(bundle, archive(TwoScores())))


def test_an_archive_that_is_no_classifier_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="not a sequence classifier"):
        TorchScriptModel(with_weights(bundle, archive(NoInputs())))


def test_that_an_archive_is_a_program_is_said_unless_its_author_is_trusted(bundle: Path) -> None:
    with capture_logs() as logs:
        TorchScriptModel(open_bundle(bundle), trusted=True)
    assert logs == []
    with capture_logs() as logs:
        load_model(bundle)
    assert [entry["event"] for entry in logs] == [
        "a TorchScript archive is a program: run only those whose author you trust"
    ]


def test_the_number_of_threads_is_pytorchs(bundle: Path) -> None:
    before = torch.get_num_threads()
    try:
        TorchScriptModel(open_bundle(bundle), threads=before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_without_torch_the_extra_that_brings_it_is_named(bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.modules['torch'] = None\n"
        "from sentiserve.models.registry import load_model\n"
        f"load_model(Path({str(bundle)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.stderr.splitlines()[-1].endswith("pip install 'sentiserve[train]'")
