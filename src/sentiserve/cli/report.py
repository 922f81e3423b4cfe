"""``sentiserve report``."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sentiserve.cli.console import err, examples, json_line, printable, setting, stage, table
from sentiserve.cli.times import time_since
from sentiserve.errors import BadInputError
from sentiserve.protocols import Store
from sentiserve.types import ModelInfo

if TYPE_CHECKING:
    from sentiserve.insights.report import Reference, Report
    from sentiserve.settings import Settings

EXAMPLES = examples(
    "sentiserve report",
    "sentiserve report bitcoin.html --hashtag bitcoin --since 7d",
    "sentiserve report - --no-texts > shared.html",
    "sentiserve report --json --since 2026-03-01",
    "sentiserve report --drift",
)
T = TypeVar("T")
_PATIENT = 60.0  # seconds that the store may take; nobody waits for an answer meanwhile
_STDOUT = "-"
_NAME = "sentiserve-report.html"


def report(
    target: Annotated[
        str | None,
        typer.Argument(metavar="OUT", help=f"A file; - is standard output. [default: {_NAME}]"),
    ] = None,
    hashtag: Annotated[
        list[str] | None,
        typer.Option(help="Tell more of this hashtag; several times for several. [default: "
                     "the most used one]"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Leave out older posts: a date, a time (UTC), or so long ago: 2h, 7d."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=100, help="Authors and hashtags.")] = 10,
    recent: Annotated[int, typer.Option(min=0, max=1000, help="Recent posts.")] = 20,
    texts: Annotated[
        bool, typer.Option("--texts/--no-texts", help="Whether recent posts are shown with texts.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option(help="Replace OUT even if it is no earlier report.")
    ] = False,
    only_drift: Annotated[
        bool, typer.Option("--drift", help="Print what has drifted, and nothing else.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, on standard output if OUT isn't named.")
    ] = False,
    model: Annotated[str | None, setting("model")] = None,
    store: Annotated[str | None, setting("store")] = None,
) -> None:  # fmt: skip
    """Show what the store holds as figures and tables, in one HTML file.

    The file needs no network and runs no script, so it can be sent and kept. It is of one model;
    --model names another one. The service may run meanwhile.
    """
    from sentiserve.insights.report import Wanted, gather
    from sentiserve.settings import load_settings

    settings = load_settings(model=model, store=store)
    if only_drift:
        if target:
            raise BadInputError("--drift prints its findings; leave OUT away")
        _say_drift(settings, as_json=as_json)
        return
    target = target or (_STDOUT if as_json else _NAME)
    if target != _STDOUT:
        _check(Path(target), overwrite=overwrite)
    start = None if since is None else time_since(since, datetime.now(UTC))
    wanted = Wanted(hashtag or (), start, most, recent)
    made = _asked(settings, lambda *of: gather(*of, wanted))
    content = (_json if as_json else _html)(made, texts=texts)
    if target == _STDOUT:
        typer.echo(content, nl=False)
        return
    _write(Path(target), content)
    err.print(printable(f"{made.timeline.posts:,} posts in {target}"), markup=False)


def _asked(
    settings: "Settings", question: "Callable[[Store, ModelInfo, Reference], Awaitable[T]]"
) -> T:
    """The answer to a question about the store and the model that the settings name."""
    from sentiserve.build import opened_existing_store, with_local_model
    from sentiserve.models.bundle import open_bundle
    from sentiserve.models.profiling import load_reference

    with stage() as on_stage:
        on_stage("reading the model's description")
        bundle = open_bundle(Path(with_local_model(settings).model))
        info, reference = bundle.manifest.info, load_reference(bundle)

        async def ask() -> T:
            async with opened_existing_store(settings) as opened:
                return await question(opened, info, reference)

        on_stage("asking the store")
        return asyncio.run(ask())


def _say_drift(settings: "Settings", *, as_json: bool) -> None:
    from sentiserve.insights.report import gather_drift
    from sentiserve.insights.report_json import drift_json

    found = _asked(settings, lambda *of: gather_drift(*of, _PATIENT))
    if as_json:
        json_line(drift_json(found))
        return
    columns = ["posts", "shift", "alarm from", "p", "alarm below"]
    rows = [
        ["DRIFTED" if one.drifted else "as before", one.kind, one.feature, f"{one.posts:,}",
         f"{one.effect:.3f}", f"{one.effect_threshold:.3f}", f"{one.p_value:.2g}",
         f"{one.p_threshold:.2g}"]
        for one in found.findings
    ]  # fmt: skip
    if rows:
        table(["", "kind", "feature", *columns], rows, right=columns)
    for note in found.notes:
        err.print(printable(note), markup=False, soft_wrap=True)


def _html(made: "Report", *, texts: bool) -> bytes:
    import sentiserve
    from sentiserve.insights.report_page import page

    return page(made, sentiserve.__version__, texts=texts).encode()


def _json(made: "Report", *, texts: bool) -> bytes:
    import msgspec

    import sentiserve
    from sentiserve.insights.report_json import report_json

    return msgspec.json.encode(report_json(made, sentiserve.__version__, texts=texts)) + b"\n"


def _check(target: Path, *, overwrite: bool) -> None:
    """Refuse what can't be written, before the work."""
    from sentiserve.insights.report_page import is_report

    if target.is_dir():
        raise BadInputError(f"{target} is a directory; name a file")
    if not target.parent.is_dir():
        raise BadInputError(f"there is no directory {target.parent}; make it first")
    if overwrite or not target.exists():
        return
    try:
        with target.open("rb") as file:
            beginning = file.read(2_000)
    except OSError as error:
        raise BadInputError(f"{target}: {error.strerror}") from error
    if not is_report(beginning):
        raise BadInputError(
            f"{target} exists and is no report; choose another name or add --overwrite"
        )


def _write(target: Path, content: bytes) -> None:
    """Whole or not at all."""
    draft = target.with_name(f".{target.name}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    except OSError as error:
        raise BadInputError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
