"""Compare the export formats on a model of RoBERTa's size with random weights.

    python benchmarks/formats.py DIR [--data dev.tsv] [--json] [--picture FILE.svg] ...

What DIR holds already is not made again; options that are not this command's own are those of
``sentiserve model bench``. Needs the extra ``train``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FORMATS = ("torchscript", "onnx", "onnx-int8")
SENTISERVE = (sys.executable, "-m", "sentiserve.cli.main", "model")
RANDOM_ROBERTA = Path(__file__).with_name("random_roberta.py")


def main() -> None:
    """Make the checkpoint and its bundles, and measure them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--make-only", action="store_true", help="measure nothing")
    arguments, options = parser.parse_known_args()
    checkpoint = arguments.directory / "checkpoint"
    bundles = [arguments.directory / name for name in FORMATS]
    if not (checkpoint / "model.safetensors").exists():
        subprocess.run([sys.executable, RANDOM_ROBERTA, checkpoint], check=True)
    for bundle in bundles:
        if not (bundle / "bundle.json").exists():
            command = [*SENTISERVE, "export", checkpoint, bundle, "--format", bundle.name]
            subprocess.run([*command, "--licence", "CC0-1.0"], check=True)
    if not arguments.make_only:
        measure(bundles, options)


def measure(bundles: list[Path], options: list[str]) -> None:
    """Hold the bundles against each other; that command's exit status is ours."""
    sys.exit(subprocess.run([*SENTISERVE, "bench", *bundles, *options], check=False).returncode)


if __name__ == "__main__":
    main()
