"""The command ``sentiserve``."""

import errno
import os
import signal
import sys
from typing import Annotated

import typer

import sentiserve
from sentiserve.cli import check, ingest, model, predict, recheck, report, score, serve, store
from sentiserve.cli.console import error_line
from sentiserve.errors import SentiserveError
from sentiserve.logs import configure_logs

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

app = typer.Typer(
    name="sentiserve",
    help="The sentiment of a post, from its URL or its text; and it remembers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001  # as typer calls it
    if wanted:
        typer.echo(sentiserve.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # its callback has done the work
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """What goes before a command."""


app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=predict.EXAMPLES)(predict.predict)
app.command(epilog=score.EXAMPLES)(score.score)
app.command(epilog=report.EXAMPLES)(report.report)
app.command(epilog=check.EXAMPLES)(check.check)
app.command(epilog=recheck.EXAMPLES)(recheck.recheck)
app.add_typer(ingest.app, name="ingest")
app.add_typer(model.app, name="model")
app.add_typer(store.app, name="store")


def _stop(number: int, _: object) -> None:
    """End as after Ctrl-C, so that nothing half-written stays."""
    sys.exit(128 + number)


def main() -> None:
    """Run the command. An expected error is one line on standard error and exit status 1."""
    configure_logs("warning", for_people=True)
    signal.signal(signal.SIGTERM, _stop)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # while what is wrong can still be said
    except SentiserveError as error:
        error_line(str(error))
        sys.exit(1)
    except BrokenPipeError:  # of head, say, which has seen enough
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        error_line(f"{error.filename or 'the output'} cannot be written: {error.strerror}")
        sys.exit(1)


def _drop_output() -> None:
    """Or Python would write it again while it ends, and complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
