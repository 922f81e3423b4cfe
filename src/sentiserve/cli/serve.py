"""``sentiserve serve``."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import examples, setting

EXAMPLES = examples(
    "sentiserve serve",
    "sentiserve serve --workers 2 --store redis://127.0.0.1",
    "sentiserve serve --archive posts.parquet --store memory://",
)


def serve(
    host: Annotated[str | None, setting("host")] = None,
    port: Annotated[int | None, setting("port")] = None,
    model: Annotated[str | None, setting("model")] = None,
    store: Annotated[str | None, setting("store")] = None,
    sources: Annotated[str | None, setting("sources")] = None,
    archive: Annotated[Path | None, setting("archive")] = None,
    workers: Annotated[int | None, setting("workers")] = None,
    insecure_no_auth: Annotated[bool | None, setting("insecure_no_auth")] = None,
    log_level: Annotated[str | None, setting("log_level")] = None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    from sentiserve.api.server import run
    from sentiserve.settings import load_settings

    status = run(
        load_settings(
            host=host,
            port=port,
            model=model,
            store=store,
            sources=sources,
            archive=archive,
            workers=workers,
            insecure_no_auth=insecure_no_auth,
            log_level=log_level,
        )
    )
    if status:
        raise typer.Exit(status)
