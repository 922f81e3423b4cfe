"""``sentiserve model profile``."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import examples

app = typer.Typer()


@app.command(epilog=examples("sentiserve model profile held-out.tsv --model my-bundle"))
def profile(
    data: Annotated[
        Path, typer.Argument(help="A table with the column text, and label where it is known.")
    ],
    bundle: Annotated[
        str, typer.Option("--model", help="The bundle's directory; profile.json is put into it.")
    ],
) -> None:
    """Keep in a bundle what posts look like, so that drift can be found.

    Take posts like those that the model will be asked, which it was not trained on: 500 or more.
    Only counts are kept, no text and no word. The model id stays.
    """
    from sentiserve.cli.quality import rewritable
    from sentiserve.models.bundle import PROFILE, open_bundle
    from sentiserve.models.labelled import read_labelled, read_texts
    from sentiserve.models.measures import Measures
    from sentiserve.models.profiling import profile_of, record_profile
    from sentiserve.models.registry import load_model
    from sentiserve.tables import read_rows

    opened = open_bundle(rewritable(bundle))
    texts, truth = read_texts(data), None
    if any("label" in row.values for row in islice(read_rows(data), 1)):
        labelled = read_labelled(data)
        texts, truth = labelled.texts, labelled.labels
    made = profile_of(load_model(opened.path), Measures(opened), texts, truth)
    record_profile(opened, made)
    known = "with" if made.confusion else "without"
    typer.echo(f"{opened.path / PROFILE}: {made.posts:,} different texts, {known} true labels")
