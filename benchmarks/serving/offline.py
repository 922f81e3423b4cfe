"""What the model does without a service, by ``sentiserve model bench``."""

import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from benchmarks.serving.processes import ROOT
from benchmarks.serving.texts import Texts

_TEXTS = 128


def offline_throughput(bundle: Path, texts: Texts) -> float:
    """Texts a second in batches of 32 of like length, on every core."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "texts.jsonl"
        rows = ({"text": text, "label": "neutral"} for text in islice(texts.new(), _TEXTS))
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [sys.executable, "-m", "sentiserve.cli.main", "model", "bench", str(bundle)]
        options = ["--data", str(file), "--texts", str(_TEXTS), "--json"]
        found = subprocess.run([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    (result,) = json.loads(found.stdout)["bundles"]
    return float(result["texts_per_second"])
