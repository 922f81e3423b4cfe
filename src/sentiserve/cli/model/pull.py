"""``sentiserve model pull``."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, err, examples

app = typer.Typer()


@app.command(
    epilog=examples(
        "sentiserve model pull hf:my-team/tickets@v2 my-bundle",
        "sentiserve model pull s3://my-bucket/models/tickets my-bundle",
    )
)
def pull(
    spec: Annotated[str, typer.Argument(help="hf:ORG/NAME[@REV] or s3://BUCKET/PREFIX.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Directory for the bundle.")],
) -> None:
    """Fetch a bundle from elsewhere; needs the extra 'hub'.

    Every file is compared with its digest, and an earlier bundle is replaced only by a whole
    one. Cut off half-way, the same command goes on where it was.
    """
    from sentiserve.cli.replaced import earlier, replaced
    from sentiserve.models.locations import remote
    from sentiserve.models.pull import pull as pull_
    from sentiserve.models.pull import read_manifest

    place = remote(spec)
    old = earlier(out)
    try:
        with download_bar() as on_progress:
            manifest = pull_(place, read_manifest(place), out, on_progress)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    typer.echo(f"{manifest.name} {manifest.model_id} in {out}{replaced(old, manifest, out)}")
