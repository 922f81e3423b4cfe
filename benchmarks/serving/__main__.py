"""Load services that tell the sentiment of texts, side by side, in turns.

    python -m benchmarks.serving OUT [--model var/formats] [--quick] [--minutes 8]

The work is in pieces, a part of what is asked and a round of it, each with all who take part; OUT
gets ``results.json``, ``results.md``, ``goodput.svg`` and the servers' logs after each piece, and
the command goes on where it was stopped. The others are installed by ``make peers``; who is not
there is left out, and the results say so.
"""

import argparse
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.serving import models
from benchmarks.serving.contenders import CONTENDERS, Contender, Setting
from benchmarks.serving.machine import machine, threads_available
from benchmarks.serving.parts import PARTS
from benchmarks.serving.plan import FULL, QUICK, Plan
from benchmarks.serving.plot import draw
from benchmarks.serving.processes import NotReadyError
from benchmarks.serving.results import OtherSettingsError, Results, Row
from benchmarks.serving.tables import tables
from benchmarks.serving.texts import REMEMBERED, Lengths, Texts
from benchmarks.serving.turn import take


def main() -> None:
    """Measure, and write what was found."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    raise_limit_of_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # servers are stopped too
    try:
        results = measure(given)
    except OtherSettingsError as error:
        sys.exit(str(error))
    print(tables(results.whole()))


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
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders, by name")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after")
    parser.add_argument("--quick", action="store_true", help="one short round")
    return parser.parse_args()


def measure(given: argparse.Namespace) -> Results:
    """All pieces that are missing, as long as there is time."""
    plan: Plan = QUICK if given.quick else FULL
    weights = models.find(given.model)
    texts = Texts(Lengths.of(given.data) if given.data else Lengths())
    posts = {number: texts[number] for number in range(REMEMBERED)}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(
            weights, given.peers.absolute(), threads_available(), posts, Path(temporary)
        )
        chosen = [c for c in CONTENDERS if not given.only or c.name in given.only]
        left_out = {c.name: why for c in chosen if (why := c.missing(setting))}
        able = [c for c in chosen if c.name not in left_out]
        about = described(given, setting, plan, able)
        results = Results.open(given.out / "results.json", about, left_out)
        for part, number in missing(results, given.parts, plan):
            if time.monotonic() - begun > 60 * given.minutes:
                break
            results.add(part, number, piece(part, number, able, setting, plan, texts, results))
            write(results, given.out, Path(temporary))
    return results


def described(
    given: argparse.Namespace, setting: Setting, plan: Plan, contenders: list[Contender]
) -> dict[str, Any]:
    """What must be the same for all pieces."""
    manifest = setting.weights.bundle.manifest
    return {
        "machine": machine(),
        "model": {
            "name": manifest.name,
            "format": manifest.format,
            "id": manifest.model_id,
            "bundled": given.model == models.BUNDLED,
        },
        "cores": setting.cores,
        "lengths": given.data.name if given.data else "tweets of 2013 to 2016",
        "plan": asdict(plan),
        "contenders": {c.name: {"runs": c.runs, "packages": packages(c)} for c in contenders},
    }


def missing(results: Results, parts: list[str], plan: Plan) -> Iterator[tuple[str, int]]:
    """Pieces that are still to be done: the first round of everything, then the second."""
    for number in range(1, plan.rounds + 1):
        for name in parts:
            if number <= PARTS[name].rounds(plan) and not results.has(name, number):
                yield name, number


def piece(
    name: str,
    number: int,
    contenders: list[Contender],
    setting: Setting,
    plan: Plan,
    texts: Texts,
    results: Results,
) -> list[Row]:
    """One contender after the other, so that what else the machine does disturbs all alike."""
    rows: list[Row] = []
    part = PARTS[name]
    for contender in contenders:
        if contender.name in results.left_out or not part.concerns(contender):
            continue
        print(f"{name}, round {number}: {contender.name}", file=sys.stderr, flush=True)
        try:
            rows += take(part.ask, contender, setting, plan, texts, number, results)
        except (NotReadyError, OSError) as error:  # the others go on
            results.left_out[contender.name] = str(error)
    return rows


def write(results: Results, out: Path, logs: Path) -> None:
    """Everything that was found so far."""
    results.save(out / "results.json")
    (out / "results.md").write_text(tables(results.whole()))
    draw(results.whole(), out / "goodput.svg")
    for log in logs.glob("*.log"):
        shutil.copy(log, out)


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
