"""The sentiment of a post, from its URL or its text; and it remembers.

>>> import sentiserve
>>> model = sentiserve.load_model()
>>> model.predict(["What a lovely day!"])[0].label
'positive'
"""

import os
from importlib.metadata import version
from pathlib import Path

from sentiserve import errors
from sentiserve.cores import available_cores
from sentiserve.protocols import Model, Source, Store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

__all__ = [
    "Model",
    "Post",
    "PostRef",
    "Prediction",
    "Sentiment",
    "Source",
    "Store",
    "errors",
    "load_model",
]
__version__ = version("sentiserve")

# ONNX Runtime asks while it is imported whether it may report on its use; unasked, it does.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# The tokenizers' threads, which would be as many as the host has cores, whatever a container may.
os.environ.setdefault("RAYON_NUM_THREADS", str(available_cores()))


def load_model(path: Path | str | None = None, threads: int = 0) -> Model:
    """The model in a bundle's directory or elsewhere (see SENTISERVE_MODEL), or the bundled one.

    Raises:
        BundleError: the bundle is not whole, or can't be had.
    """
    from sentiserve.models.locations import locate
    from sentiserve.models.registry import load_model

    return load_model(locate(str(path) if path else None), threads)
