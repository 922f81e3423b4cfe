"""Compare ONNX Runtime's own dynamic int8 with ours, on the same weights.

    python benchmarks/schemes.py FLOAT_BUNDLE INT8_BUNDLE [--data dev.tsv] [--json] ...

Makes a bundle of the first with ``quantize_dynamic``, whose scores depend on the batch, and
runs ``sentiserve model bench`` on the three; further options are those of that command. Needs
the extra ``train``.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree

from msgspec import structs

from sentiserve.models.bundle import digest, open_bundle, write_manifest


def main() -> None:
    """Its exit status is that of the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("float_bundle", type=Path)
    parser.add_argument("int8_bundle", type=Path)
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as directory:
        dynamic = Path(directory) / "dynamic"
        _write_dynamic(arguments.float_bundle, dynamic)
        bundles = [arguments.float_bundle, dynamic, arguments.int8_bundle]
        command = [sys.executable, "-m", "sentiserve.cli.main", "model", "bench", *bundles]
        sys.exit(subprocess.run([*command, *options], check=False).returncode)


def _write_dynamic(source: Path, out: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # as sentiserve sets it up

    manifest = open_bundle(Path(copytree(source, out))).manifest
    weights = out / manifest.weights
    quantize_dynamic(source / manifest.weights, weights, weight_type=QuantType.QInt8)
    files = {**manifest.files, manifest.weights: digest(weights)}
    write_manifest(out, structs.replace(manifest, format="onnx-int8", files=files))


if __name__ == "__main__":
    main()
