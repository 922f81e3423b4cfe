"""``sentiserve report``."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiserve.cli.console import err, examples, printable, setting, stage
from sentiserve.cli.drift import print_drift
from sentiserve.cli.times import time_since
from sentiserve.errors import BadInputError

if TYPE_CHECKING:
    from sentiserve.insights.report import Report, Texts

EXAMPLES = examples(
    "sentiserve report",
    "sentiserve report bitcoin.html --hashtag bitcoin --since 7d",
    "sentiserve report - --no-texts > shared.html",
    "sentiserve report --json --since 2026-03-01",
    "sentiserve report --drift",
)
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
        bool,
        typer.Option("--texts/--no-texts", help="Whether recent posts are shown with texts; "
                     "with SENTISERVE_RETURN_TEXT=own never with those of sources."),
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
    from sentiserve.build import drift_now, report_now, with_local_model
    from sentiserve.insights.report import Wanted
    from sentiserve.settings import load_settings

    settings = load_settings(model=model, store=store)
    if settings.store.startswith("memory:"):
        raise BadInputError("memory:// holds nothing of other commands; name a store: --store")
    if any(not tag.removeprefix("#").strip() for tag in hashtag or ()):
        raise BadInputError("--hashtag is empty; name one, or leave it out for the most used one")
    if only_drift:
        if target is not None:
            raise BadInputError("--drift prints its findings; leave OUT out")
        with stage() as on_stage:
            on_stage("comparing the newest posts")
            found = asyncio.run(drift_now(with_local_model(settings)))
        print_drift(found, as_json=as_json)
        return
    target = target or (_STDOUT if as_json else _NAME)
    if target != _STDOUT:
        _check(Path(target), overwrite=overwrite)
    start = None if since is None else time_since(since, datetime.now(UTC))
    wanted = Wanted(hashtag or (), start, most, recent)
    with stage() as on_stage:
        on_stage("asking the store")
        made = asyncio.run(report_now(with_local_model(settings), wanted))
    shown = settings.return_text if texts else "none"
    content = (_json if as_json else _html)(made, texts=shown)
    if target == _STDOUT:
        typer.echo(content, nl=False)
        return
    _write(Path(target), content)
    count = made.timeline.posts
    said = f"{count:,} post{'' if count == 1 else 's'} in {target}"
    err.print(printable(said), markup=False)


def _html(made: "Report", *, texts: "Texts") -> bytes:
    import sentiserve
    from sentiserve.insights.report_page import page

    return page(made, sentiserve.__version__, texts=texts).encode()


def _json(made: "Report", *, texts: "Texts") -> bytes:
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
