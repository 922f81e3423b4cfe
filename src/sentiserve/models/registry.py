"""Engines by the format of the bundles they run."""

from collections.abc import Callable
from pathlib import Path

from sentiserve.cores import available_cores
from sentiserve.models.bundle import open_bundle, read_manifest
from sentiserve.plugins import load
from sentiserve.protocols import Model

ENGINES = {
    "onnx": "sentiserve.models.onnx:OnnxModel",
    "onnx-int8": "sentiserve.models.onnx:OnnxModel",
    "torchscript": "sentiserve.models.torchscript:TorchScriptModel",
}


def load_model(path: Path, threads: int = 0) -> Model:
    """Verify the bundle in a directory and start the engine for its format.

    Args:
        path: the directory.
        threads: of one inference; 0 takes every core that the process may use.

    Raises:
        BundleError: the bundle is not whole.
        SettingsError: no engine runs its format.
    """
    return model_loader(path, threads)()


def model_loader(path: Path, threads: int = 0) -> Callable[[], Model]:
    """The same in two steps: the engine is imported now, and loads when that is called.

    The second step leaves the interpreter to others for most of its time.
    """
    engine = load("sentiserve.engines", read_manifest(path).format, ENGINES)

    def loaded() -> Model:
        model: Model = engine(open_bundle(path), threads or available_cores())
        return model

    return loaded
