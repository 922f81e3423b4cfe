"""What ``model evaluate`` and ``model calibrate`` show, and which bundle may be rewritten."""

from collections.abc import Mapping
from pathlib import Path

from sentiserve.cli.console import table
from sentiserve.errors import BadInputError
from sentiserve.models.bundle import default_bundle
from sentiserve.models.calibration import Calibration
from sentiserve.models.locations import is_remote
from sentiserve.models.slices import SliceFigures


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


def slice_table(slices: Mapping[str, SliceFigures]) -> None:
    """Print figures by slice, and a dash for what can't be told."""
    columns = ["texts", "macro_recall", "accuracy"]
    table(
        ["slice", *columns],
        [
            [name, f"{found.texts:,}", _figure(found.macro_recall), _figure(found.accuracy)]
            for name, found in slices.items()
        ],
        right=columns,
    )


def _figure(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.4f}"
