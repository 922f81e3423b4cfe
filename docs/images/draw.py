"""Draw the README's picture: what the commands really print, on a terminal.

.venv/bin/python docs/images/draw.py
"""

import re
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sentiserve.cli import console
from sentiserve.cli.predict import predict

TEXTS = [
    "First coffee of the day and the sun is out. I love this city!",
    "Forty minutes on the platform and still no train. Again.",
    "The library opens at nine on Saturday.",
    "@ana not bad at all, I would go there again &amp; again",
]


def main() -> None:
    """Run the command into a recording terminal, and keep it as SVG."""
    terminal = Console(
        record=True, width=100, file=StringIO(), highlight=False, force_terminal=True
    )
    console.out = terminal
    for number, text in enumerate(TEXTS):
        start = "$ sentiserve predict " if number == 0 else " " * 21
        end = " \\" if number < len(TEXTS) - 1 else ""
        terminal.print(Text(f'{start}"{text}"{end}'), soft_wrap=True)
    terminal.print()
    predict(TEXTS)
    svg = terminal.export_svg(title="sentiserve")
    # Without the fonts that rich would fetch from elsewhere: any monospaced one will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    Path(__file__).with_name("predict.svg").write_text(svg)


if __name__ == "__main__":
    main()
