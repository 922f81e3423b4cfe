"""``sentiserve recheck``."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic.alias_generators import to_camel

from sentiserve.cli.console import (
    err,
    examples,
    json_line,
    out,
    printable,
    setting,
    step_bar,
    table,
)
from sentiserve.cli.ingesting import with_model_here
from sentiserve.cli.stopping import stoppable
from sentiserve.cli.times import span
from sentiserve.errors import BadInputError, SentiserveError

if TYPE_CHECKING:
    from sentiserve.ingest.recheck import Found, Recheck
    from sentiserve.settings import Settings

EXAMPLES = examples(
    "sentiserve recheck --limit 1000",
    "sentiserve recheck --platform x --older-than 7d --json",
)
_FIGURES = ("due", "same", "edited", "forgotten", "not_found", "failed")


def recheck(
    platform: Annotated[str | None, typer.Option(help="Only posts of this one: x, say.")] = None,
    older_than: Annotated[
        str, typer.Option(help="Only posts that nobody looked at for so long: 24h, 7d.")
    ] = "24h",
    limit: Annotated[
        int | None, typer.Option(min=1, help="No more posts; those of longest ago first.")
    ] = None,
    all_gone: Annotated[
        bool, typer.Option("--all-gone", help="Believe it even if 20 or more are gone at once.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    sources: Annotated[str | None, setting("sources")] = None,
    model: Annotated[str | None, setting("model")] = None,
    store: Annotated[str | None, setting("store")] = None,
    history: Annotated[str | None, setting("history")] = None,
) -> None:
    """Ask the platforms whether stored posts are still there, and as they were.

    What is deleted or protected now is forgotten everywhere; what was edited is predicted anew.
    Posts come from the history; run it once a day. Stopped, the next run goes on.
    """
    from sentiserve.build import need_history, with_platforms_only
    from sentiserve.settings import load_settings

    settings = load_settings(sources=sources, model=model, store=store, history=history)
    age = span(older_than)
    need_history(settings)
    settings = with_model_here(with_platforms_only(settings))

    async def run() -> tuple["Recheck", bool, int]:
        with stoppable() as stop, step_bar() as on_step:
            async with _rechecking(settings) as rechecking:
                rechecking.on_found = lambda each: [
                    on_step(name, found.looked_at, found.due) for name, found in each.found.items()
                ]
                rechecking.believes_all = all_gone
                stop.on_stop(rechecking.stop)
                ended = await rechecking.run(age, platform, limit)
                _need_known(platform, rechecking.register.platforms())
                return rechecking, ended, stop.status

    done, ended, status = asyncio.run(run())
    _say(done.found, ended=ended, as_json=as_json)
    if not ended:
        err.print("stopped; the next run goes on from here")
        raise typer.Exit(status)
    errors = [f"{name}: {found.error}" for name, found in done.found.items() if found.error]
    if errors:
        raise SentiserveError("; ".join(errors))


def _need_known(platform: str | None, known: Sequence[str]) -> None:
    if platform is not None and platform not in known:
        has = f"only of {', '.join(known)}" if known else "of none"
        raise BadInputError(f"the history has no posts of a platform {platform!r}, {has}")


@asynccontextmanager
async def _rechecking(settings: "Settings") -> AsyncIterator["Recheck"]:
    from sentiserve.build import need_history, running
    from sentiserve.ingest.recheck import Recheck
    from sentiserve.ingest.register import Register
    from sentiserve.metrics import Metrics
    from sentiserve.settings import state_directory

    directory = need_history(settings).directory.absolute()
    name = sha256(str(directory).encode()).hexdigest()[:16]
    with Register(state_directory() / "recheck" / f"{name}.db") as register:
        async with running(settings, Metrics()) as parts:
            assert parts.history is not None  # noqa: S101  # as was needed above
            yield Recheck(
                parts.history, register, parts.source, parts.inference, parts.forgetting, _on_wait
            )


def _on_wait(seconds: float, error: SentiserveError | None) -> None:
    if error:
        err.print(printable(f"waiting {seconds:,.0f} s: {error}"), markup=False, soft_wrap=True)


def _say(found: Mapping[str, "Found"], *, ended: bool, as_json: bool) -> None:
    if as_json:
        platforms = {
            name: {to_camel(figure): getattr(each, figure) for figure in _FIGURES}
            for name, each in found.items()
        }
        json_line({"platforms": platforms, "finished": ended})
    elif found:
        rows = [
            [name, *(f"{getattr(each, f):,}" for f in _FIGURES)] for name, each in found.items()
        ]
        columns = [figure.replace("_", " ") for figure in _FIGURES]
        table(["platform", *columns], rows, right=columns)
    else:
        out.print("no post is due")
