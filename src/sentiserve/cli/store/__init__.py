"""``sentiserve store``: look at what is kept, take it out, and forget it."""

import typer

from sentiserve.cli.store import forget, look, offline

app = typer.Typer(no_args_is_help=True, help="Look at what is kept, take it out, and forget it.")
for part in (look, offline, forget):
    app.add_typer(part.app)
