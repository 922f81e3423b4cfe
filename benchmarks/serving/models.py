"""The same weights in the layouts that the contenders take."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from sentiserve.models.bundle import Bundle, default_bundle, open_bundle

BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Weights:
    """One model.

    Attributes:
        bundle: what ONNX Runtime runs, with everybody.
        torchscript: the same in TorchScript, float32, if there is one.
        checkpoint: the same as Hugging Face's files, float32, if there are any.
    """

    bundle: Bundle
    torchscript: Path | None = None
    checkpoint: Path | None = None


def find(name: str) -> Weights:
    """A bundle, or a directory as ``benchmarks/formats.py`` makes it; ``bundled`` is ours.

    Raises:
        BundleError: it is no whole bundle.
    """
    if name == BUNDLED:
        return Weights(open_bundle(default_bundle()))
    directory = Path(name)
    if (directory / "bundle.json").exists():
        return Weights(open_bundle(directory))
    return Weights(
        open_bundle(directory / "onnx-int8"),
        _existing(directory / "torchscript"),
        _existing(directory / "checkpoint"),
    )


def hugging_face(weights: Weights, directory: Path, *, onnx: bool) -> Path:
    """A directory that transformers and optimum read, with the bundle's tokenizer."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(weights.bundle.tokenizer, directory / "tokenizer.json")
    (directory / "tokenizer_config.json").write_text(json.dumps(_tokenizer(weights.bundle)))
    (directory / "config.json").write_text(_config(weights))
    if onnx:
        # Of one file in a local directory optimum and infinity disagree about the name; of two
        # either will do.
        for name in ("model.onnx", "model_quantized.onnx"):
            _link(directory / name, weights.bundle.weights)
    elif weights.checkpoint:
        _link(directory / "model.safetensors", weights.checkpoint / "model.safetensors")
    return directory


def _config(weights: Weights) -> str:
    """The checkpoint's, or as much as an engine for ONNX files wants to know."""
    if weights.checkpoint:
        return (weights.checkpoint / "config.json").read_text("utf-8")
    config = {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "id2label": dict(enumerate(weights.bundle.manifest.labels)),
    }
    return json.dumps(config)


def _tokenizer(bundle: Bundle) -> dict[str, object]:
    tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
    padding = tokenizer.padding or {}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": tokenizer.id_to_token(padding.get("pad_id", 0)),
        "model_max_length": bundle.manifest.max_tokens,
        "model_input_names": ["input_ids", "attention_mask"],
    }


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())
