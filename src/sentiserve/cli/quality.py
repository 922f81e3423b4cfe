"""What ``model evaluate`` and ``model calibrate`` show, and which bundle may be rewritten."""

from collections.abc import Mapping
from pathlib import Path

from sentiserve.cli.console import MOST_COLUMNS, table
from sentiserve.errors import BadInputError
from sentiserve.models.bundle import default_bundle
from sentiserve.models.calibration import Calibration
from sentiserve.models.evaluation import Evaluation
from sentiserve.models.locations import is_remote
from sentiserve.models.slices import SliceFigures

_UNKNOWN = "\u2013"


def rewritable(bundle: str | None) -> Path:
    """The directory, unless it is a place elsewhere or the bundle inside the package.

    Args:
        bundle: as in ``SENTISERVE_MODEL``; None for the bundled model.

    Raises:
        BadInputError: it is one of them; the text says what to do.
    """
    if bundle and is_remote(bundle):
        raise BadInputError(
            "a bundle elsewhere can't be rewritten; fetch it with sentiserve model pull "
            "and name its directory"
        )
    directory = Path(bundle) if bundle else default_bundle()
    if directory.resolve() == default_bundle().resolve():
        raise BadInputError(
            f"{directory} belongs to the package and is not rewritten; copy it, name the copy "
            "with --model, and in SENTISERVE_MODEL to use it"
        )
    return directory


def calibration_table(temperature: float, result: Calibration) -> None:
    """Print how well the scores fit, before and after; ``temperature`` is the one before."""
    rows = {
        "before": (temperature, result.before),
        "after": (result.temperature, result.after),
        "cross-fitted": ("", result.cross_fitted),
    }
    columns = ["temperature", "calibration_error", "nll"]
    table(
        ["", *columns],
        [
            [name, of, f"{fitness.calibration_error:.4f}", f"{fitness.nll:.4f}"]
            for name, (of, fitness) in rows.items()
        ],
        right=columns,
    )


def confusion_table(result: Evaluation) -> None:
    """Print what was said of each label's texts; of many labels, only what was mistaken most."""
    if len(result.labels) > MOST_COLUMNS:
        said = ["mostly said instead"]
        rows = [[_mistake(result, i)] for i in range(len(result.labels))]
    else:
        said = [f"said {label}" for label in result.labels]
        rows = result.confusion.tolist()
    columns = ["recall", "precision"]
    table(
        ["true label", *columns, *said],
        [
            [label, figure(result.recall[label]), figure(result.precision[label]), *row]
            for label, row in zip(result.labels, rows, strict=True)
        ],
        right=[*columns, *said],
    )


def _mistake(result: Evaluation, true: int) -> str:
    """The label that one is taken for most often, and how often."""
    counts = result.confusion[true].copy()
    counts[true] = 0
    said = counts.argmax()
    return f"{result.labels[said]} {counts[said]:,}" if counts[said] else _UNKNOWN


def slice_table(slices: Mapping[str, SliceFigures]) -> None:
    """Print figures by slice, and a dash for what can't be told."""
    columns = ["texts", "macro_recall", "accuracy"]
    table(
        ["slice", *columns],
        [
            [name, f"{found.texts:,}", figure(found.macro_recall), figure(found.accuracy)]
            for name, found in slices.items()
        ],
        right=columns,
    )


def figure(value: float | None) -> str:
    """To four digits, or a dash for what can't be told."""
    return _UNKNOWN if value is None else f"{value:.4f}"
