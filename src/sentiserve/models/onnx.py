"""The engine for ONNX files: ONNX Runtime on the CPU."""

import platform
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sentiserve.errors import BundleError
from sentiserve.models.bundle import Bundle
from sentiserve.models.classifier import Classifier


class OnnxModel(Classifier):
    """A sequence classifier in an ONNX file.

    The file takes ``input_ids`` and ``attention_mask``, int64 of shape (batch, tokens),
    and gives ``logits``, float32 of shape (batch, labels).
    """

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        """Load the bundle's weights and tokenizer.

        Args:
            bundle: a verified bundle.
            threads: of one run; 0 takes every core of the host.

        Raises:
            BundleError: a file is not what its format says.
        """
        super().__init__(bundle)
        self._session = _session(bundle, threads)

    def _logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating]:
        (logits,) = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(logits)


def multiplies_exactly() -> bool:
    """Whether the processor's products of uint8 and int8 can't overflow.

    On x86-64 without VNNI instructions they do, unless ONNX Runtime is told to take a slower
    way (its documentation of quantisation, on ``x64quantprecision``).
    """
    if platform.machine() not in {"x86_64", "AMD64"}:
        return True
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """How sessions are run here: batch after batch, beside a service that needs cores too.

    Args:
        threads: of one run; 0 takes every core of the host.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads spin while a batch is computed, and no longer: they would take the cores from
    # everything else in the process.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if not multiplies_exactly():
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    try:
        session = onnxruntime.InferenceSession(
            bundle.weights, session_options(threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise BundleError(f"{bundle.weights} is not a usable ONNX file: {error}") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if {i.name for i in inputs} != {"input_ids", "attention_mask"} or outputs[0].name != "logits":
        raise BundleError(f"{bundle.weights}: inputs or outputs are not a sequence classifier's")
    if outputs[0].shape[-1] != len(bundle.manifest.labels):
        raise BundleError(f"{bundle.weights}: as many scores as labels are needed")
    return session
