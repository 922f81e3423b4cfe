"""``sentiserve ingest``."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiserve.cli.console import examples, setting
from sentiserve.cli.ingesting import Options, ingest
from sentiserve.errors import BadInputError
from sentiserve.types import FeedKind

if TYPE_CHECKING:
    from sentiserve.build import Parts
    from sentiserve.ingest.works import Reading
    from sentiserve.settings import Settings

_CASELESS = {"x", "bluesky", "mastodon"}  # sources to whom INES is ines, and #TEA is #tea

app = typer.Typer(
    no_args_is_help=True,
    help="Read posts in sequence, classify and store them; stopped, the same command goes on.",
)
Source = Annotated[
    str | None,
    typer.Option(help="The source to read from; else the first of the sources that can."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Read no more posts than these.")]
Since = Annotated[
    str | None,
    typer.Option(help="Leave out older posts: a date, a time (UTC), or so long ago: 2h, 7d."),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Forget where earlier runs stopped; read all again.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object at the end.")]
Model = Annotated[str | None, setting("model")]
Store = Annotated[str | None, setting("store")]
History = Annotated[str | None, setting("history")]


@app.command(
    epilog=examples(
        "sentiserve ingest user someone.bsky.social --limit 200",
        "sentiserve ingest user someone@mastodon.social --source mastodon --since 7d",
    )
)
def user(
    name: Annotated[
        str, typer.Argument(help="A handle as its platform has it, with or without @.")
    ],
    source: Source = None,
    limit: Limit = None,
    since: Since = None,
    restart: Restart = False,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """What somebody posted, the newest first; the next run reads only what is newer."""
    settings = _settings(source, model=model, store=store, history=history)
    _feed(
        FeedKind.USER, (name.removeprefix("@"),), settings, Options(limit, since, restart, as_json)
    )


@app.command(
    epilog=examples(
        "sentiserve ingest tag coffee --source x --limit 500",
        "sentiserve ingest tag coffee --source mastodon --since 2026-03-01 --json",
    )
)
def tag(
    name: Annotated[str, typer.Argument(help="A hashtag, with or without #.")],
    source: Source = None,
    limit: Limit = None,
    since: Since = None,
    restart: Restart = False,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """Posts with a hashtag, the newest first; the next run reads only what is newer."""
    settings = _settings(source, model=model, store=store, history=history)
    _feed(
        FeedKind.TAG, (name.removeprefix("#"),), settings, Options(limit, since, restart, as_json)
    )


@app.command(epilog=examples("sentiserve ingest home --source x --limit 100"))
def home(
    source: Source = None,
    limit: Limit = None,
    since: Since = None,
    restart: Restart = False,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """The home timeline of whoever the source's token belongs to, the newest posts first."""
    settings = _settings(source, model=model, store=store, history=history)
    _feed(FeedKind.HOME, (), settings, Options(limit, since, restart, as_json))


@app.command(
    epilog=examples(
        "sentiserve ingest stream coffee tea --source bluesky",
        "sentiserve ingest stream --limit 1000",
    )
)
def stream(
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Only posts with one of these.")
    ] = None,
    source: Source = None,
    limit: Limit = None,
    restart: Restart = False,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """Posts as they are written, until Ctrl-C or the limit; what is deleted is forgotten."""
    settings = _settings(source, model=model, store=store, history=history)
    names = tuple(sorted({name.removeprefix("#") for name in tags or []}))
    _feed(FeedKind.STREAM, names, settings, Options(limit, None, restart, as_json))


@app.command(epilog=examples("sentiserve ingest file posts.jsonl"))
def file(
    path: Annotated[Path, typer.Argument(help="A table with text, and url or id, of each post.")],
    limit: Limit = None,
    since: Since = None,
    restart: Restart = False,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """The rows of a file of posts; a row that is none is told, and left out."""
    from sentiserve.ingest.works import FileReading
    from sentiserve.sources.archive import read_post

    settings = _settings("archive", model=model, store=store, history=history)
    mirrors = frozenset(settings.x_mirrors)
    reading = FileReading(path.absolute(), lambda row: read_post(row, mirrors))
    settings = settings.model_copy(update={"sources": ()})  # an archive would be read for nothing
    options = Options(limit, since, restart, as_json, strict=True)
    ingest(("file", "file", (str(path.absolute()),)), lambda _: reading, settings, options)


@app.command(
    epilog=examples(
        "sentiserve ingest url https://x.com/someone/status/1800000000000000001",
        "sentiserve ingest url - < urls.txt",
    )
)
def url(
    urls: Annotated[list[str], typer.Argument(help="Posts' URLs; - reads one a line from stdin.")],
    source: Source = None,
    as_json: AsJson = False,
    model: Model = None,
    store: Store = None,
    history: History = None,
) -> None:
    """Posts by URL; those that are stored are not fetched again."""
    from sentiserve.ingest.works import UrlReading

    lines = chain.from_iterable(_lines() if each == "-" else [each] for each in urls)
    settings = _settings(source, model=model, store=store, history=history)
    ingest(None, lambda _: UrlReading(lines), settings, Options(as_json=as_json, strict=True))


def _same_for_all(source: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as a work is known by: who writes ``@Ines`` goes on where ``@ines`` stopped."""
    return tuple(name.lower() for name in names) if source in _CASELESS else names


def _lines() -> Iterator[str]:
    return (line.strip() for line in sys.stdin if line.strip())


def _settings(source: str | None, **flags: object) -> "Settings":
    from sentiserve.settings import load_settings

    return load_settings(sources=source, **flags)


def _feed(kind: FeedKind, names: tuple[str, ...], settings: "Settings", options: Options) -> None:
    from sentiserve.build import choose_feed
    from sentiserve.ingest.works import FeedReading

    if not all(names):
        raise BadInputError("the name is empty")
    source = choose_feed(settings, kind)
    settings = settings.model_copy(update={"sources": (source,)})  # no other is needed, or opened

    def reading(parts: "Parts") -> "Reading":
        return FeedReading(parts.source.feed(kind)[1], kind, names)

    ingest((source, kind.value, _same_for_all(source, names)), reading, settings, options)
