"""Load services that tell the sentiment of texts, side by side, in turns.

    python -m benchmarks.serving OUT [--model var/formats] [--quick] [--only NAME ...]

OUT gets ``results.json``, ``results.md`` and ``goodput.svg``, and the servers' logs. The others
are installed by ``make peers``; who is not there is left out, and the results say so.
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.serving import models
from benchmarks.serving.contenders import CONTENDERS, Contender, Setting
from benchmarks.serving.machine import machine, threads_available
from benchmarks.serving.plot import draw
from benchmarks.serving.processes import NotReadyError
from benchmarks.serving.tables import tables
from benchmarks.serving.texts import REMEMBERED, Lengths, Texts
from benchmarks.serving.turn import FULL, QUICK, Plan, Row, take


def main() -> None:
    """Measure, and write what was found."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    raise_limit_of_files()
    results = measure(given)
    (given.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (given.out / "results.md").write_text(tables(results))
    draw(results, given.out / "goodput.svg")
    print(tables(results))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--model",
        default=models.BUNDLED,
        help="a bundle, or a directory of benchmarks/formats.py; the bundled one if not given",
    )
    parser.add_argument("--peers", type=Path, default=Path("var/peers"), help="environments")
    parser.add_argument("--data", type=Path, help="a file with a column text, for its lengths")
    parser.add_argument("--threads", type=int, default=threads_available())
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders, by name")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int)
    return parser.parse_args()


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """All turns of all contenders."""
    plan: Plan = QUICK if given.quick else FULL
    plan = replace(plan, rounds=given.rounds or plan.rounds)
    weights = models.find(given.model)
    texts = Texts(Lengths.of(given.data) if given.data else Lengths())
    posts = {number: texts[number] for number in range(REMEMBERED)}
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(weights, given.peers.absolute(), given.threads, posts, Path(temporary))
        chosen = [c for c in CONTENDERS if not given.only or c.name in given.only]
        left_out = {c.name: why for c in chosen if (why := c.missing(setting))}
        able = [c for c in chosen if c.name not in left_out]
        rows = turns(able, setting, plan, texts, left_out)
        for log in Path(temporary).glob("*.log"):
            shutil.copy(log, given.out)
    manifest = weights.bundle.manifest
    return {
        "machine": machine(),
        "model": {"name": manifest.name, "format": manifest.format, "id": manifest.model_id},
        "threads": given.threads,
        "lengths": given.data.name if given.data else "tweets of 2013 to 2016",
        "plan": asdict(plan),
        "contenders": {c.name: {"runs": c.runs, "packages": packages(c)} for c in able},
        "left_out": left_out,
        "rows": rows,
    }


def turns(
    contenders: list[Contender],
    setting: Setting,
    plan: Plan,
    texts: Texts,
    left_out: dict[str, str],
) -> list[Row]:
    """Round after round, so that what else the machine does disturbs all of them alike."""
    rows: list[Row] = []
    estimates: dict[str, dict[str, float]] = {contender.name: {} for contender in contenders}
    for number in range(1, plan.rounds + 1):
        for contender in contenders:
            if contender.name in left_out:
                continue
            print(f"round {number} of {plan.rounds}: {contender.name}", file=sys.stderr, flush=True)
            try:
                rows += take(contender, setting, plan, texts, number, estimates[contender.name])
            except (NotReadyError, OSError) as error:  # the others go on
                left_out[contender.name] = str(error)
    return rows


def packages(contender: Contender) -> list[str]:
    """What is pinned for its environment."""
    if contender.environment is None:
        return []
    file = Path(__file__).with_name("peers") / f"{contender.environment}.txt"
    return [line for line in file.read_text().splitlines() if line and line[0] != "#"]


def raise_limit_of_files() -> None:
    """A thousand connections are more than most shells allow for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
