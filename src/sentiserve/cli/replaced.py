"""What ``model pull`` and ``model export`` say of the bundle whose place a new one takes."""

from pathlib import Path

from sentiserve.errors import BundleError
from sentiserve.models.bundle import Manifest, read_manifest


def earlier(directory: Path) -> Manifest | None:
    """What a bundle says that may soon be replaced, if one is there."""
    try:
        return read_manifest(directory)
    except BundleError:
        return None


def replaced(old: Manifest | None, new: Manifest, directory: Path) -> str:
    """The end of a command's answer: nothing, or a line of its own."""
    if old is None or old == new:
        return ""
    said = f"\nreplaced {old.name} (was {old.model_id})"
    if old.temperature not in {1, new.temperature}:
        said += (
            f"; its temperature {old.temperature:g} is gone, fit one anew: "
            f"sentiserve model calibrate DATA --model {directory}"
        )
    return said
