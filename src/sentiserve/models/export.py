"""Turn a fine-tuned Hugging Face directory into a bundle. Needs the extra ``train``."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import CARD, TOKENIZER, Manifest, digest, write_manifest
from sentiserve.models.preprocessing import PREPROCESSING
from sentiserve.models.quantisation import quantise
from sentiserve.models.staging import check_replaceable, replacing

FORMATS = ("onnx-int8", "onnx")
_WEIGHTS = "model.onnx"
_OPSET = 21


@dataclass(frozen=True, slots=True)
class Description:
    """What the checkpoint doesn't say of itself."""

    name: str
    revision: str
    licence: str
    preprocessing: str = "tweet-v1"
    max_tokens: int = 128
    card: str = ""  # Markdown


def export(checkpoint: Path, out: Path, format_: str, description: Description) -> Manifest:
    """Write a bundle; an earlier one in the same place is replaced only when all is written.

    Args:
        checkpoint: a directory with ``config.json``, ``model.safetensors`` and
            ``tokenizer.json``.
        out: the bundle's directory.
        format_: one of ``FORMATS``.
        description: the rest of the manifest, and the model card.

    Raises:
        BadInputError: the checkpoint is no sequence classifier, or ``out`` holds other files.
    """
    if format_ not in FORMATS or description.preprocessing not in PREPROCESSING:
        known = (*FORMATS, *PREPROCESSING)
        raise BadInputError(f"known formats and preprocessings are {', '.join(known)}")
    check_replaceable(out)
    model = _load(checkpoint, description.max_tokens)
    tokenizer = _load_tokenizer(checkpoint)
    with replacing(out) as bundle:
        graph = _to_onnx(model)
        onnx.save(quantise(graph) if format_ == "onnx-int8" else graph, bundle / _WEIGHTS)
        tokenizer.save(str(bundle / TOKENIZER))
        (bundle / CARD).write_text(description.card)
        manifest = _manifest(bundle, model, format_, description)
        write_manifest(bundle, manifest)
    return manifest


def _load(checkpoint: Path, max_tokens: int) -> PreTrainedModel:
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            checkpoint,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager",
        )
    except (OSError, ValueError) as error:
        raise BadInputError(f"{checkpoint} is no usable checkpoint: {error}") from error
    positions: int = model.config.max_position_embeddings
    if max_tokens > positions:
        raise BadInputError(f"{checkpoint} has {positions} positions; {max_tokens} are too many")
    evaluating: PreTrainedModel = model.eval()
    return evaluating


class _Logits(torch.nn.Module):
    """Only the logits of a classifier that also gives other things."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self._model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(
            input_ids=input_ids, attention_mask=attention_mask
        ).logits
        return logits


def _to_onnx(model: PreTrainedModel) -> onnx.ModelProto:
    ids = torch.ones((2, 7), dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    shape = {
        0: torch.export.Dim("batch"),
        1: torch.export.Dim("tokens", max=model.config.max_position_embeddings),
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():  # torch's are of its own insides
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Logits(model).eval(),
            (ids, mask),
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
            opset_version=_OPSET,
            verbose=False,
        )
    if program is None:
        raise BadInputError("this architecture cannot be exported to ONNX")
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes of the machine's paths: the same weights, the same digest."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def _load_tokenizer(checkpoint: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(checkpoint / TOKENIZER))
    except Exception as error:  # tokenizers raises bare Exception
        raise BadInputError(f"{checkpoint / TOKENIZER} is no usable tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _manifest(
    bundle: Path,
    model: PreTrainedModel,
    format_: str,
    description: Description,
) -> Manifest:
    names = sorted((model.config.id2label or {}).items(), key=lambda item: int(item[0]))
    labels = tuple(name for _, name in names)
    return Manifest(
        name=description.name,
        revision=description.revision,
        format=format_,
        weights=_WEIGHTS,
        labels=labels,
        max_tokens=description.max_tokens,
        preprocessing=description.preprocessing,
        licence=description.licence,
        files={name: digest(bundle / name) for name in (CARD, _WEIGHTS, TOKENIZER)},
    )
