"""Engines by the format of the bundles they run."""

from pathlib import Path

from sentiserve.cores import available_cores
from sentiserve.models.bundle import open_bundle
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
    bundle = open_bundle(path)
    engine = load("sentiserve.engines", bundle.manifest.format, ENGINES)
    model: Model = engine(bundle, threads or available_cores())
    return model
