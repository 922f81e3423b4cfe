"""``sentiserve model``: look at bundles, and make them."""

import typer

from sentiserve.cli.model import bench, look, make, profile, pull

app = typer.Typer(no_args_is_help=True, help="Look at model bundles, and make them.")
for part in (look, bench, pull, make, profile):
    app.add_typer(part.app)
