"""What the services that are written here share: a bundle's tokenizer and weights."""

import html
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

BUNDLE = Path(os.environ["BENCH_BUNDLE"])
THREADS = int(os.environ["BENCH_THREADS"])
WORKERS = int(os.environ["BENCH_WORKERS"])
MAX_BATCH = 32
_LINK, _MENTION = re.compile(r"https?://\S+", re.IGNORECASE), re.compile(r"(?<![\w@])@\w+")


class Classifier:
    """Scores of texts, in batches padded to their longest."""

    def __init__(self) -> None:
        manifest = json.loads((BUNDLE / "bundle.json").read_text("utf-8"))
        self._labels = manifest["labels"]
        self._temperature = manifest.get("temperature", 1.0)
        self._tokenizer = Tokenizer.from_file(str(BUNDLE / "tokenizer.json"))
        pad_id = (self._tokenizer.padding or {}).get("pad_id", 0)
        self._tokenizer.enable_padding(pad_id=pad_id)
        self._tokenizer.enable_truncation(manifest["max_tokens"])
        weights = str(BUNDLE / manifest["weights"])
        is_torch = manifest["format"] == "torchscript"
        self._logits = torchscript(weights) if is_torch else onnx(weights)

    def __call__(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """A score for each label, for each text."""
        encodings = self._tokenizer.encode_batch([prepared(text) for text in texts])
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        logits = self._logits(ids, mask) / self._temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = (powers / powers.sum(axis=1, keepdims=True)).tolist()
        return [dict(zip(self._labels, row, strict=True)) for row in scores]


def prepared(text: str) -> str:
    """What the models were trained on."""
    return _LINK.sub("http", _MENTION.sub("@user", html.unescape(text)))


def onnx(weights: str) -> Any:
    """Logits by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def logits(ids: Any, mask: Any) -> Any:
        return session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]

    return logits


def torchscript(weights: str) -> Any:
    """Logits by PyTorch."""
    import torch

    torch.set_num_threads(THREADS)
    module = torch.jit.load(weights, map_location="cpu").eval()  # type: ignore[no-untyped-call]

    def logits(ids: Any, mask: Any) -> Any:
        # Optimised, it would be compiled anew for many lengths, for a minute after each start.
        with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            return module(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    return logits
