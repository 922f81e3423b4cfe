"""What all of ``sentiserve ingest`` share: the run, its end, and what people see of it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from sentiserve.cli.console import download_bar, err, json_line, printable
from sentiserve.cli.stopping import stoppable
from sentiserve.cli.times import time_since
from sentiserve.errors import BadInputError, SentiserveError

if TYPE_CHECKING:
    from sentiserve.build import Parts
    from sentiserve.ingest.ingest import Tally
    from sentiserve.ingest.works import Reading
    from sentiserve.settings import Settings

_MENTIONED = 10  # posts left out that are named


@dataclass(frozen=True, slots=True)
class Options:
    """What is the same for all.

    Attributes:
        since: as it was written.
        strict: whether it counts as a failure if something is left out.
    """

    limit: int | None = None
    since: str | None = None
    restart: bool = False
    as_json: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class _End:
    tally: "Tally"
    finished: bool
    resumable: bool
    status: int = 1
    error: SentiserveError | None = None


def ingest(
    work: tuple[str, str, tuple[str, ...]] | None,
    reading: Callable[["Parts"], "Reading"],
    settings: "Settings",
    options: Options,
) -> None:
    """Read to the end, or until somebody stops it.

    Args:
        work: source, kind and names of what can go on where it was left.
        reading: makes what posts are read from.
        settings: of this run.
        options: of this run.

    Raises:
        SentiserveError: what is read or asked fails, and waiting doesn't help.
        Exit: somebody stopped it.
    """
    settings = with_model_here(settings)
    with Show(options.limit) as show:
        end = asyncio.run(_run(work, reading, settings, options, show))
    if options.as_json:
        json_line(_figures(end.tally) | {"finished": end.finished, "store": settings.shown_store})
    elif end.tally.posts or end.error is None:
        where = printable(settings.shown_store)
        err.print(f"{_summary(end.tally)}; in {where}", markup=False, soft_wrap=True)
    if not end.finished and end.resumable:
        err.print("stopped; the same command goes on from here")
    if end.error is not None:
        raise end.error
    if not end.finished:
        raise typer.Exit(end.status)
    if options.strict and end.tally.left_out:
        raise BadInputError(f"{end.tally.left_out:,} could not be taken")


def with_model_here(settings: "Settings") -> "Settings":
    """The settings with their model on this machine, before a loop takes the signals."""
    from sentiserve.models.locations import locate

    with download_bar() as on_progress:
        model = str(locate(settings.model, on_progress))
    return settings.model_copy(update={"model": model})


async def _run(
    work: tuple[str, str, tuple[str, ...]] | None,
    reading: Callable[["Parts"], "Reading"],
    settings: "Settings",
    options: Options,
    show: "Show",
) -> _End:
    from sentiserve.build import running
    from sentiserve.ingest.cursors import CursorFile, Position, Work
    from sentiserve.ingest.ingest import Ingest
    from sentiserve.metrics import Metrics
    from sentiserve.settings import state_directory

    since = None if options.since is None else time_since(options.since, datetime.now(UTC))
    named = work and Work(*work, settings.store, options.limit, options.since)
    with (
        stoppable() as stop,
        CursorFile(state_directory() / "ingest", named) if named else nullcontext() as cursors,
    ):
        if cursors and options.restart:
            cursors.save(Position())
        async with running(settings, Metrics()) as parts:
            read = reading(parts)
            ingesting = Ingest(
                read, parts.inference, parts.forgetting, show, cursors, since, options.limit
            )
            stop.on_stop(ingesting.stop)
            try:
                if not (options.limit or options.since):
                    await show.expect(read, cursors.load().cursor if cursors else None)
                finished = await ingesting.run()
            except SentiserveError as error:
                return _End(
                    ingesting.tally, finished=False, resumable=ingesting.resumable, error=error
                )
            return _End(ingesting.tally, finished, ingesting.resumable, stop.status)


def _figures(tally: "Tally") -> dict[str, int]:
    return {
        "posts": tally.posts,
        "new": tally.new,
        "known": tally.known,
        "forgotten": tally.forgotten,
        "leftOut": tally.left_out,
    }


def _summary(tally: "Tally") -> str:
    posts = f"{tally.posts:,} post{'' if tally.posts == 1 else 's'}"
    said = f"{posts}: {tally.new:,} new, {tally.known:,} known"
    said += f", {tally.left_out:,} left out" if tally.left_out else ""
    return said + (f"; {tally.forgotten:,} forgotten" if tally.forgotten else "")


class Show:
    """Shows people how it goes: on a terminal in one line, elsewhere only what it waits for."""

    def __init__(self, limit: int | None) -> None:
        """Say how many posts there will be at most."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.completed:,} posts"),
            BarColumn(),  # it pulses where nobody knows the end
            TextColumn("{task.fields[whole]}{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=err,
            disable=not err.is_terminal,
        )
        self._task = self._progress.add_task("reading", total=None, whole="", rate="")
        self._left_out = 0
        if limit is not None:
            self._say_whole(limit)

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Show it no longer."""
        self._progress.stop()

    async def expect(self, reading: "Reading", cursor: str | None) -> None:
        """Find out how many posts there are, if anybody sees it."""
        if not err.is_terminal:
            return
        self._progress.update(self._task, description="counting")
        total = await asyncio.to_thread(reading.to_come, cursor)
        self._progress.update(self._task, description="reading")
        if total is not None:
            self._say_whole(total)

    def _say_whole(self, total: int) -> None:
        self._progress.update(self._task, total=total, whole=f"of {total:,} ")

    def on_tally(self, tally: "Tally") -> None:
        """Say how many there are, and how fast they come."""
        seconds = self._progress.tasks[0].elapsed
        rate = f"{tally.posts / seconds:,.0f} a second" if seconds else ""
        self._progress.update(self._task, completed=tally.posts, rate=rate)

    def on_wait(self, seconds: float, error: SentiserveError | None) -> None:
        """Say what it waits for."""
        said = f"waiting {seconds:,.0f} s: {error}" if error else "reading"
        self._progress.update(self._task, description=printable(said))
        if error and not err.is_terminal:
            err.print(printable(said), markup=False, soft_wrap=True)

    def on_left_out(self, what: str, error: SentiserveError) -> None:
        """Say it of the first ones."""
        self._left_out += 1
        if self._left_out <= _MENTIONED:
            err.print(printable(f"left out: {what}: {error}"), markup=False, soft_wrap=True)
        elif self._left_out == _MENTIONED + 1:
            err.print("left out: more, which are only counted from here on")
