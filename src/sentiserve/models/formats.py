"""What a checkpoint's weights are written as. Needs the extra ``train``."""

import io
import logging
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from types import MappingProxyType

import onnx
import torch
from onnx_ir.passes.common import DeduplicateInitializersPass
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import Bundle
from sentiserve.models.checkpoint import Checkpoint
from sentiserve.models.classifier import Classifier, pad
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.quantisation import IDS, MASK, Feed, quantise
from sentiserve.models.torchscript import TorchScriptModel

_OPSET = 21
_ONNX_LIMIT = 2_000_000_000  # bytes; protobuf's is 2 GiB, for the weights and all else
_SAMPLE_BATCH = 16  # texts
_SAMPLE_TOKENS = 2_048  # of a batch, for memory's sake
_COUNTER = re.compile(r"___torch_mangle_\d+")  # of the classes that a process has traced

OnStage = Callable[[str], object]  # what is done now, in words


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a checkpoint, and the engine that reads it."""

    weights: str  # the file's name
    serialise: Callable[[Checkpoint, Sequence[str], int, OnStage], bytes]  # samples, most tokens
    engine: Callable[[Bundle], Classifier]
    tolerance: float  # see verify


class _Logits(torch.nn.Module):
    """Only the logits of a classifier that also gives other things."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self._model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True
        ).logits
        return logits


def _example(checkpoint: Checkpoint) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of two, one of them padded, from which a graph for all sizes is made."""
    tokens = checkpoint.tokenizer.encode("one two three four five six seven").ids[:7]
    ids = torch.tensor([tokens, tokens])
    mask = torch.ones_like(ids)
    ids[1, 5:] = checkpoint.pad_id
    mask[1, 5:] = 0
    return ids, mask


def _to_onnx(checkpoint: Checkpoint) -> onnx.ModelProto:
    weights = sum(p.numel() * p.element_size() for p in checkpoint.model.parameters())
    if weights > _ONNX_LIMIT:
        raise BadInputError(
            f"the model has {weights / 1e9:.1f} GB of weights, and an ONNX file holds "
            f"{_ONNX_LIMIT / 1e9:.0f}; export it with --format torchscript"
        )
    shape = {
        0: torch.export.Dim("batch"),
        1: torch.export.Dim("tokens", max=checkpoint.max_tokens),
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():  # torch's are of its own insides
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Logits(checkpoint.model).eval(),
                _example(checkpoint),
                dynamo=True,
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape},
                opset_version=_OPSET,
                verbose=False,
            )
    except Exception as error:  # whatever an architecture makes the exporter stumble over
        raise BadInputError(
            "this architecture cannot be exported to ONNX; try --format torchscript"
        ) from error
    if program is None:
        raise BadInputError("this architecture cannot be exported to ONNX")
    DeduplicateInitializersPass(_ONNX_LIMIT)(program.model)  # ALBERT's layers share theirs
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes of the machine's paths: the same weights, the same digest."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def _onnx(checkpoint: Checkpoint, *_: object) -> bytes:
    return bytes(_to_onnx(checkpoint).SerializeToString())


def _onnx_int8(
    checkpoint: Checkpoint, samples: Sequence[str], max_tokens: int, on_stage: OnStage
) -> bytes:
    exact = _to_onnx(checkpoint)
    on_stage("making it int8")
    try:
        feeds = _feeds(checkpoint, samples, max_tokens)
        return bytes(quantise(exact, feeds).SerializeToString())
    except BadInputError:
        raise
    except Exception as error:  # onnx, ONNX Runtime and protobuf have each their own
        raise BadInputError("this model cannot be made int8; try --format onnx") from error


def _feeds(checkpoint: Checkpoint, samples: Sequence[str], max_tokens: int) -> list[Feed]:
    """Batches of texts of like length, as the service makes them, up to the longest."""
    size = max(1, min(_SAMPLE_BATCH, _SAMPLE_TOKENS // max_tokens))
    texts = [*samples, *_passages(samples, size, max_tokens)]
    tokenizer = Tokenizer.from_str(checkpoint.tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    tokens = sorted((e.ids for e in tokenizer.encode_batch_fast(texts)), key=len)
    batches = (tokens[i : i + size] for i in range(0, len(tokens), size))
    return [dict(zip((IDS, MASK), pad(batch, checkpoint.pad_id), strict=True)) for batch in batches]


def _passages(samples: Sequence[str], count: int, length: int) -> list[str]:
    """Texts of so many words, in which the samples follow one another."""
    words = cycle(" ".join(samples).split())
    return [" ".join(islice(words, length)) for _ in range(count)]


def _torchscript(checkpoint: Checkpoint, *_: object) -> bytes:
    archive = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():  # torch's are of its own insides
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                _Logits(checkpoint.model).eval(), _example(checkpoint), check_trace=False
            )
            torch.jit.save(torch.jit.freeze(traced), archive)
    except Exception as error:  # whatever an architecture makes the tracer stumble over
        raise BadInputError(
            "this architecture cannot be exported to TorchScript; try --format onnx"
        ) from error
    return _without_debugging(archive)


def _without_debugging(archive: io.BytesIO) -> bytes:
    """Drop what torch notes of the machine's paths and of what it traced before."""
    clean = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(clean, "w") as new:
        for name in old.namelist():
            if not name.endswith((".debug_pkl", "/.data/serialization_id")):
                raw = old.read(name)
                if name.endswith((".py", "/data.pkl")):
                    raw = _COUNTER.sub("___torch_mangle_0", raw.decode("latin-1")).encode("latin-1")
                new.writestr(zipfile.ZipInfo(_COUNTER.sub("___torch_mangle_0", name)), raw)
    return clean.getvalue()


FORMATS = MappingProxyType(
    {
        "onnx-int8": Format("model.onnx", _onnx_int8, OnnxModel, 0.25),
        "onnx": Format("model.onnx", _onnx, OnnxModel, 1e-4),
        "torchscript": Format(
            "model.pt", _torchscript, partial(TorchScriptModel, trusted=True), 1e-4
        ),
    }
)
