"""``sentiserve predict``."""

import sys
from itertools import chain
from typing import Annotated

import typer

from sentiserve.cli.console import MOST_COLUMNS, download_bar, examples, json_line, setting, table
from sentiserve.errors import BadInputError
from sentiserve.texts import checked_text
from sentiserve.types import Post

EXAMPLES = examples(
    'sentiserve predict "What a lovely day" "Never again."',
    "sentiserve predict --json - < texts.txt",
)


def predict(
    texts: Annotated[
        list[str], typer.Argument(help="Texts, each in quotes; - reads one a line from stdin.")
    ],
    model: Annotated[str | None, setting("model")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Label and scores of texts."""
    from sentiserve.build import build_model
    from sentiserve.settings import load_settings

    lines = chain.from_iterable(
        (line.rstrip("\r\n") for line in sys.stdin) if text == "-" else [text] for text in texts
    )
    checked = [_checked(number, line) for number, line in enumerate(lines, start=1)]
    with download_bar() as on_progress:
        loaded = build_model(load_settings(model=model), on_progress)
    sentiments = loaded.predict(checked)
    if as_json:
        for text, sentiment in zip(checked, sentiments, strict=True):
            ref = Post.of_text(text).ref  # as the service keeps it
            json_line(
                {
                    "text": text,
                    "label": sentiment.label,
                    "scores": sentiment.scores,
                    "model": loaded.info.id,
                    "truncated": sentiment.truncated,
                    "post": {"platform": ref.platform, "id": ref.id},
                }
            )
        return
    labels = loaded.info.labels
    if len(labels) > MOST_COLUMNS:
        rows = [[s.label, f"{s.scores[s.label]:.3f}"] for s in sentiments]
        columns = ["score"]
    else:
        rows = [[s.label, *(f"{s.scores[label]:.3f}" for label in labels)] for s in sentiments]
        columns = [*labels]
    table(
        ["label", *columns, "text"],
        [[*row, text] for row, text in zip(rows, checked, strict=True)],
        right=columns,
    )


def _checked(number: int, text: str) -> str:
    try:
        return checked_text(text)
    except BadInputError as error:
        raise BadInputError(f"text {number}: {error}") from None
