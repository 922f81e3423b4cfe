"""The command ``sentiserve``."""

import sys
from typing import Annotated

import typer

import sentiserve
from sentiserve.cli import check, model, predict, score, serve, store
from sentiserve.cli.console import error_line
from sentiserve.errors import SentiserveError
from sentiserve.logs import configure_logs

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
app.command(epilog=check.EXAMPLES)(check.check)
app.add_typer(model.app, name="model")
app.add_typer(store.app, name="store")


def main() -> None:
    """Run the command. An expected error is one line on standard error and exit status 1."""
    configure_logs("warning")
    try:
        app()
    except SentiserveError as error:
        error_line(str(error))
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # or Python would complain once more while it ends
        sys.exit(1)


if __name__ == "__main__":
    main()
