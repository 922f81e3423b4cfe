"""What was measured so far, in a file: a run goes on where an earlier one ended."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Row = dict[str, Any]


class OtherSettingsError(Exception):
    """The file's figures were measured with other settings than those of now."""


@dataclass(slots=True)
class Results:
    """Figures of one machine, one model and one plan.

    Attributes:
        about: all that must be the same for figures to stand side by side.
        left_out: who takes no part, and why.
        pieces: ``[part, round]`` of each that is done.
        rows: one scenario of one contender each.
    """

    about: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    pieces: list[list[Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path, about: dict[str, Any], left_out: dict[str, str]) -> "Results":
        """Those of the file, or none yet.

        Raises:
            OtherSettingsError: they can't stand beside what would be measured now.
        """
        if not file.exists():
            return cls(about, left_out)
        kept = json.loads(file.read_text())
        here = json.loads(json.dumps(about))
        if differing := [name for name in here if kept.get(name) != here[name]]:
            raise OtherSettingsError(
                f"{file} was measured with other settings ({', '.join(differing)}): "
                "remove it, or name another directory"
            )
        return cls(about, kept["left_out"], kept["pieces"], kept["rows"])

    def save(self, file: Path) -> None:
        """Write everything."""
        file.write_text(json.dumps(self.whole(), indent=1) + "\n")

    def whole(self) -> dict[str, Any]:
        """Everything, as tables and pictures take it."""
        kept = {"left_out": self.left_out, "pieces": self.pieces, "rows": self.rows}
        return {**self.about, **kept}

    def has(self, part: str, number: int) -> bool:
        """Whether a piece is done."""
        return [part, number] in self.pieces

    def add(self, part: str, number: int, rows: list[Row]) -> None:
        """A piece is done."""
        self.pieces.append([part, number])
        self.rows += rows

    def estimate(self, contender: str, scenario: str) -> float | None:
        """The capacity that earlier rounds found, if any did."""
        passed: dict[int, float] = {}
        for row in self.rows:
            if (row["contender"], row["scenario"]) == (contender, scenario) and row.get("passed"):
                passed[row["round"]] = max(row["rate"], passed.get(row["round"], 0.0))
        return median(passed.values()) if passed else None
