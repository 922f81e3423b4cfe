"""The sentiment of a post, from its URL or its text; and it remembers.

>>> import sentiserve
>>> model = sentiserve.load_model()
>>> model.predict(["What a lovely day!"])[0].label
'positive'
"""

import os
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve import errors
from sentiserve.cores import available_cores
from sentiserve.protocols import Model, Source, Store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

if TYPE_CHECKING:
    from sentiserve.build import Parts

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
    "running",
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


def running(**settings: object) -> AbstractAsyncContextManager["Parts"]:
    """A service without its HTTP door: what answers, what it remembers, what that tells.

    When the block ends, everything that was answered is in the store. Notebooks take ``async
    with`` and ``await`` as they are; programs within ``asyncio.run``::

        async with sentiserve.running(store="sqlite:///posts.db") as service:
            [answer], _ = await service.inference.answer([Post.of_text("What a lovely day!")])

    Args:
        settings: by their names without ``SENTISERVE_``; others are the environment's.

    Raises:
        SentiserveError: a setting has no usable value, or a part can't start.
    """
    from sentiserve.build import running
    from sentiserve.metrics import Metrics
    from sentiserve.settings import load_settings

    return running(load_settings(**settings), Metrics())
