"""Write a bundle that answers at once, to measure what is around a model.

    python benchmarks/instant_model.py DIR

It has the tokenizer of the bundled model, so texts are tokenised as ever; what it says of a text
follows from the text's first token alone, and means nothing. Needs the dependency group ``dev``.
"""

import argparse
import shutil
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sentiserve.models.bundle import MANIFEST, TOKENIZER, default_bundle, digest, open_bundle

WEIGHTS = "model.onnx"
TOKENS = 50_000  # that have scores of their own


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    write_bundle(parser.parse_args().directory)


def write_bundle(directory: Path) -> None:
    """A bundle with the bundled model's tokenizer and labels."""
    directory.mkdir(parents=True, exist_ok=True)
    like = open_bundle(default_bundle())
    shutil.copy(like.tokenizer, directory / TOKENIZER)
    write_weights(directory / WEIGHTS, len(like.manifest.labels))
    manifest = msgspec.structs.replace(
        like.manifest,
        name="instant",
        format="onnx",
        weights=WEIGHTS,
        files={name: digest(directory / name) for name in (TOKENIZER, WEIGHTS)},
        quality={},
        temperature=1.0,
    )
    (directory / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def write_weights(path: Path, labels: int) -> None:
    """A graph that looks up the token behind the first, which is the same for every text."""
    rng = np.random.default_rng(1)
    constants = {
        "table": rng.normal(size=(TOKENS, labels)).astype(np.float32),
        "second": np.array(1),
        "known": np.array(TOKENS),
    }
    names = ("input_ids", "attention_mask")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["input_ids", "second"], ["token"], axis=1),
            helper.make_node("Mod", ["token", "known"], ["row"]),
            helper.make_node("Gather", ["table", "row"], ["logits"]),
        ],
        "instant",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"]) for n in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", labels])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, path)


if __name__ == "__main__":
    main()
