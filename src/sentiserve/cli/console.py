"""What all commands share: tables for people, JSON for machines, flags from the settings."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from sentiserve.settings import PREFIX, Settings

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
MOST_COLUMNS = 6  # of labels side by side; of more, only the one that matters most is shown
out = Console(highlight=False)
_unbounded = Console(highlight=False, width=100_000)
err = Console(stderr=True, highlight=False)


def printable(text: str) -> str:
    """The text with what a terminal would obey, not show, written as escapes."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def error_line(text: str) -> None:
    """Say on standard error what went wrong."""
    err.print(printable(f"sentiserve: {text}"), markup=False, soft_wrap=True, style="red")


def examples(*commands: str) -> str:
    """The end of a help text; click keeps the lines of what follows a backspace."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


def setting(name: str, *flags: str, **bounds: Any) -> Any:
    """The flag of a setting, with the setting's own words and variable, and bounds of its own."""
    variable = f"{PREFIX}{name.upper()}"
    description = Settings.model_fields[name].description
    return typer.Option(
        *(flags or (f"--{name.replace('_', '-')}",)),
        help=f"{description} [env: {variable}]",
        show_default=False,
        **bounds,
    )


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()
) -> None:
    """Print a table; the columns named in ``right`` hold numbers."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        result.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        result.add_row(*[printable(str(value)) for value in row])
    _print(result)


def facts(values: Mapping[str, object]) -> None:
    """Print names and values."""
    result = Table(box=None, pad_edge=False, show_header=False)
    result.add_column(style="bold")
    result.add_column(overflow="fold")
    for name, value in values.items():
        result.add_row(name, printable(str(value)))
    _print(result)


def _print(result: Table) -> None:
    """As wide as the terminal; in a file, as wide as it wants to be, so that nothing is cut."""
    console = out if out.is_terminal else _unbounded
    console.print(result, markup=False)


def json_line(value: object) -> None:
    """Print one JSON document on one line."""
    import msgspec

    print(msgspec.json.encode(value).decode())  # noqa: T201  # for machines, so not through rich


@contextmanager
def download_bar() -> Iterator[Callable[[int, int], None]]:
    """Show people how many bytes are here, of how many; nothing before the first are told."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
    )
    with ExitStack() as stack:

        def on_progress(done: int, total: int) -> None:
            if not err.is_terminal:
                return
            if not progress.tasks:
                stack.enter_context(progress)
                progress.add_task("downloading")
            progress.update(progress.task_ids[0], completed=done, total=total)

        yield on_progress


@contextmanager
def step_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show people what is done now, and how many of its steps are done."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=err, disable=not err.is_terminal
    ) as progress:
        tasks: dict[str, Any] = {}

        def on_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(printable(what), total=total)
            progress.update(tasks[what], completed=done)

        yield on_progress


@contextmanager
def stage() -> Iterator[Callable[[str], None]]:
    """Show people what is done now, where nobody knows how long it takes."""
    with ExitStack() as stack:
        if err.is_terminal:
            yield stack.enter_context(err.status("")).update
        else:
            yield lambda _: None
