"""The engine for TorchScript archives: PyTorch on the CPU. Needs the extra ``train``."""

import warnings
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from sentiserve.errors import BundleError
from sentiserve.models.bundle import Bundle
from sentiserve.models.classifier import Classifier

try:
    import torch
except ImportError as error:
    raise ImportError("torch is not installed: pip install 'sentiserve[train]'") from error

_log = structlog.get_logger(__name__)


class TorchScriptModel(Classifier):
    """A sequence classifier in a TorchScript archive.

    Its ``forward`` takes token ids and their mask, int64 of shape (batch, tokens), and gives
    logits, float32 of shape (batch, labels).

    An archive is a program: loading reads pickled data (by torch's own reader, which builds
    tensors and the archive's own classes, not any Python object) and may run the archive's
    code, whose operators can read and write files. PyTorch therefore warns against loading one
    from a source that is not trusted, and so does this engine, in the log, each time. The
    ONNX formats have no such risk.
    """

    def __init__(self, bundle: Bundle, threads: int = 0, *, trusted: bool = False) -> None:
        """Load the bundle's weights and tokenizer.

        Args:
            bundle: a verified bundle.
            threads: of one run; 0 leaves it to PyTorch. The setting is one for the whole
                process, so the model that was loaded last decides for all of them.
            trusted: its author is known, so that there is nothing to warn of.

        Raises:
            BundleError: a file is not what its format says.
        """
        super().__init__(bundle)
        if not trusted:
            _log.warning(
                "a TorchScript archive is a program: run only those whose author you trust",
                file=str(bundle.weights),
            )
        if threads:
            torch.set_num_threads(threads)
        self._module = _load(bundle)
        self._check(bundle)

    def _logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating]:
        # Without optimised execution nothing is compiled anew for each shape of batch.
        with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            logits = self._module(torch.from_numpy(ids), torch.from_numpy(mask))
        found: NDArray[np.floating] = logits.numpy()
        return found

    def _check(self, bundle: Bundle) -> None:
        """An archive doesn't say what it takes and gives; so try."""
        one = np.full((1, 4), self._pad_id, dtype=np.int64)
        try:
            shape = self._logits(one, np.ones_like(one)).shape
        except Exception as error:  # whatever the archive's code raises
            raise BundleError(f"{bundle.weights}: is not a sequence classifier") from error
        if shape != (1, len(bundle.manifest.labels)):
            raise BundleError(f"{bundle.weights}: as many scores as labels are needed")


def _load(bundle: Bundle) -> Any:
    try:
        with warnings.catch_warnings():  # that TorchScript is no longer developed
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(bundle.weights, map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except Exception as error:  # torch raises RuntimeError, and others for what is inside
        raise BundleError(f"{bundle.weights} is not a usable TorchScript archive") from error
