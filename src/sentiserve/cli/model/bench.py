"""``sentiserve model bench``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiserve.cli.console import download_bar, examples, json_line, out, setting, step_bar, table
from sentiserve.plugins import needs

if TYPE_CHECKING:  # numpy takes its time
    from sentiserve.models.bench import Plan, Result
    from sentiserve.models.labelled import Labelled

app = typer.Typer()


@app.command(
    epilog=examples(
        "sentiserve model bench float-bundle int8-bundle",
        "sentiserve model bench float-bundle int8-bundle --data dev.tsv --picture speed.svg",
    )
)
def bench(
    bundles: Annotated[
        list[str], typer.Argument(metavar="BUNDLE...", help="As in SENTISERVE_MODEL; at least one.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="A table with text and label; the bundled sample if not.")
    ] = None,
    texts: Annotated[int, typer.Option(min=1, help="Most texts that are timed.")] = 128,
    batch: Annotated[int, typer.Option(min=1, max=4096, help="Texts of one batch.")] = 32,
    rounds: Annotated[int, typer.Option(min=1, help="How often each of them is timed.")] = 3,
    threads: Annotated[int | None, setting("threads", min=0, max=1024)] = None,
    matmul: Annotated[
        bool, typer.Option("--matmul", help="Also time the products of onnx-int8 bundles alone.")
    ] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw the speeds: .svg or .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Bundles side by side on this machine: speed, size, agreement and quality.

    All are compared with the first. They take turns text by text, so that what else the machine
    does disturbs all of them alike.
    """
    _needs(matmul=matmul, picture=picture)
    from sentiserve.models.bench import Plan, machine
    from sentiserve.models.bench import bench as bench_
    from sentiserve.models.labelled import read_labelled
    from sentiserve.settings import load_settings

    truth = read_labelled(data) if data else None
    plan = Plan(
        texts=_texts(truth),
        truth=truth,
        timed=texts,
        batch=batch,
        rounds=rounds,
        threads=load_settings(threads=threads).threads,
        matmul=matmul,
    )
    named = _located(bundles)
    with step_bar() as on_progress:
        results = bench_(named, plan, on_progress)
    facts = _facts(plan, machine())
    if as_json:
        _print_json(results, plan, machine())
    else:
        _print_table(results)
        out.print(f"\n{facts}", markup=False, soft_wrap=True)
    if picture:  # last, for the figures took longer
        from sentiserve.models.chart import draw

        draw(results, facts, picture)


def _needs(*, matmul: bool, picture: Path | None) -> None:
    """Refuse before the measuring, not after it, what could not be done."""
    if matmul:
        needs("train", "onnx")
    if picture:
        needs("train", "matplotlib")
        from sentiserve.models.chart import check_picture

        check_picture(picture)


def _texts(truth: "Labelled | None") -> Sequence[str]:
    """Those of the data, or else of the bundled sample."""
    if truth:
        return truth.texts
    from sentiserve.models.labelled import read_texts
    from sentiserve.tables import sample_archive

    return read_texts(sample_archive())


def _located(specs: Sequence[str]) -> list[tuple[str, Path]]:
    """Each bundle's directory, under the shortest names that tell them apart."""
    from sentiserve.models.locations import is_remote, locate

    short = {spec: spec if is_remote(spec) else Path(spec).resolve().name for spec in specs}
    clear = len(set(short.values())) == len(short)
    with download_bar() as on_progress:
        return [(short[spec] if clear else spec, locate(spec, on_progress)) for spec in specs]


def _facts(plan: "Plan", machine: str) -> str:
    threads = f", {plan.threads} thread{'s' if plan.threads > 1 else ''}" if plan.threads else ""
    return f"{machine}, {len(plan.singles):,} texts, batches of {plan.batch}{threads}"


def _print_json(results: "Sequence[Result]", plan: "Plan", machine: str) -> None:
    from dataclasses import asdict

    json_line(
        {
            "machine": machine,
            "threads": plan.threads,
            "texts": len(plan.singles),
            "batch": plan.batch,
            "rounds": plan.rounds,
            "bundles": [asdict(result) for result in results],
        }
    )


def _print_table(results: "Sequence[Result]") -> None:
    """A column for each bundle: there are more figures than bundles."""
    rows = [
        ("format", [result.format for result in results]),
        ("one text, median ms", [f"{result.median_ms:.2f}" for result in results]),
        ("one text, p99 ms", [f"{result.p99_ms:.2f}" for result in results]),
        ("  times as fast", [f"{result.latency_ratio:.2f}" for result in results]),
        ("texts a second", [f"{result.texts_per_second:,.0f}" for result in results]),
        ("  times as fast", [f"{result.throughput_ratio:.2f}" for result in results]),
        ("on disk, MB", [f"{result.disk_mb:,.1f}" for result in results]),
        ("in memory, MB", [_maybe(result.memory_mb, ",.0f") for result in results]),
        ("equal labels, %", [f"{result.equal_labels:.2f}" for result in results]),
        ("largest difference", [f"{result.largest_difference:.4f}" for result in results]),
        ("macro recall", [_maybe(result.macro_recall, ".4f") for result in results]),
        ("calibration error", [_maybe(result.calibration_error, ".4f") for result in results]),
        ("int8 products' share", [_maybe(result.matmul_share, ".0%") for result in results]),
    ]
    shown = [[name, *cells] for name, cells in rows if set(cells) != {"-"}]
    names = [result.name for result in results]
    table(["", *names], shown, right=names)
    if any((result.matmul_share or 0) > 1 for result in results):
        out.print(
            "\nabove 100 %: so small a model takes less time than its products called one by one",
            soft_wrap=True,
        )


def _maybe(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
