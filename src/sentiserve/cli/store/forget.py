"""``sentiserve store forget`` and ``clear``."""

import asyncio
import sys
from typing import Annotated

import typer

from sentiserve.cli.console import err, examples, json_line, out, setting
from sentiserve.errors import BadInputError
from sentiserve.forgetting import Forgotten
from sentiserve.names import author_named, post_named, prefix_named
from sentiserve.texts import checked_text
from sentiserve.types import Author, Post, PostRef, Prefix

app = typer.Typer()
Store = Annotated[str | None, setting("store")]
History = Annotated[str | None, setting("history")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command(
    epilog=examples(
        "sentiserve store forget --post x/1800000000000000001",
        "sentiserve store forget --author x/someone",
        'sentiserve store forget --text "What a lovely day"',
        "sentiserve store forget --prefix mastodon/",
    )
)
def forget(
    post: Annotated[str | None, typer.Option(help="A post, as PLATFORM/ID.")] = None,
    author: Annotated[
        str | None, typer.Option(help="All posts of an author, as PLATFORM/ID or PLATFORM/HANDLE.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A bare text, word for word.")] = None,
    prefix: Annotated[
        str | None, typer.Option(help="All posts whose PLATFORM/ID begins so, literally.")
    ] = None,
    store: Store = None,
    history: History = None,
    as_json: AsJson = False,
) -> None:
    """Remove a post, an author or more from the store, the history and all aggregates.

    For good, and by whatever model they were classified.
    """
    wanted: list[PostRef | Author | Prefix] = []
    if post is not None:
        wanted.append(post_named(*_split(post)))
    if author is not None:
        wanted.append(author_named(*_split(author)))
    if text is not None:
        wanted.append(Post.of_text(checked_text(text)).ref)
    if prefix is not None:
        if not prefix:
            raise BadInputError("an empty prefix is everything; sentiserve store clear does that")
        wanted.append(prefix_named(prefix))
    if len(wanted) != 1:
        raise BadInputError("name one of --post, --author, --text and --prefix")
    _say(_forget(wanted[0], store, history), as_json=as_json)


@app.command(epilog=examples("sentiserve store clear", "sentiserve store clear --yes"))
def clear(
    store: Store = None,
    history: History = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove every prediction from the store, the history and all aggregates, for good."""
    if not yes:
        if not sys.stdin.isatty():
            raise BadInputError("this removes every prediction; say so with --yes")
        err.print("This removes every prediction from the store and the history.")
        typer.confirm("Go on?", abort=True, err=True)
    _say(_forget(Prefix(""), store, history), as_json=as_json)


def _split(name: str) -> tuple[str, str]:
    platform, _, rest = name.partition("/")
    if not platform or not rest:
        raise BadInputError(f"{name!r}: write PLATFORM/NAME, x/1800000000000000001 say")
    return platform, rest


def _forget(what: PostRef | Author | Prefix, store: str | None, history: str | None) -> Forgotten:
    from sentiserve.build import opened_forgetting
    from sentiserve.settings import load_settings

    async def run() -> Forgotten:
        async with opened_forgetting(load_settings(store=store, history=history)) as opened:
            return await opened.forget(what)

    return asyncio.run(run())


def _say(forgotten: Forgotten, *, as_json: bool) -> None:
    if as_json:
        json_line({"online": forgotten.online, "offline": forgotten.offline})
        return
    out.print(f"forgotten: {forgotten.online:,} in the store, {forgotten.offline:,} in the history")
