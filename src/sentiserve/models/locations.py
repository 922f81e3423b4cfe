"""Where a model comes from: a directory, or a place elsewhere with a copy on this machine."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

import structlog

from sentiserve.errors import BadInputError, BundleError, UnreachableError
from sentiserve.models.bundle import MANIFEST, PROGRAMS, default_bundle, parse_manifest
from sentiserve.models.pull import pull, read_manifest
from sentiserve.models.remote import OnProgress, Remote, quiet
from sentiserve.models.staging import discard
from sentiserve.plugins import needs

_HUB = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>\w[\w./-]*))?", re.ASCII)
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\0]*))?")
_COPIES = 2  # kept of each place: a process may still be loading the one before
_log = structlog.get_logger(__name__)


def is_remote(spec: str) -> bool:
    """Whether it names a place elsewhere, and no directory."""
    return spec.startswith("hf:") or "://" in spec


def remote(spec: str) -> Remote:
    """The place that ``hf:ORG/NAME[@REV]`` or ``s3://BUCKET/PREFIX`` names; nothing is asked yet.

    Raises:
        BadInputError: it is neither.
        SentiserveError: the extra ``hub`` is not installed.
    """
    if match := _HUB.fullmatch(spec):
        needs("hub", "huggingface_hub")
        from sentiserve.models.hub import Hub

        return Hub(match["repository"], match["revision"])
    if match := _S3.fullmatch(spec):
        needs("hub", "boto3")
        from sentiserve.models.s3 import Bucket

        return Bucket(match["bucket"], match["prefix"])
    # It is not repeated: it may hold a password.
    raise BadInputError(
        "a bundle elsewhere is named hf:ORG/NAME, hf:ORG/NAME@REVISION or s3://BUCKET/PREFIX"
    )


def locate(spec: str | None, on_progress: OnProgress = quiet) -> Path:
    """The directory of a bundle, which is pulled into the cache first if it is elsewhere.

    A place that can't be reached is answered with the copy of an earlier pull; one that
    refuses, or holds something else than it says, is not.

    Args:
        spec: a directory, what ``remote`` takes, or None for the bundled model.
        on_progress: told of the bytes of a pull.

    Raises:
        BundleError: it can't be had; the text says what to do.
    """
    if not spec:
        return default_bundle()
    if not is_remote(spec):
        return Path(spec)
    place = remote(spec)
    copies = _copies(place)
    try:
        raw = read_manifest(place)
        _refuse_programs(spec, raw)
        copy = copies / hashlib.sha256(raw).hexdigest()[:16]
        pull(place, raw, copy, on_progress)
    except UnreachableError as error:
        if (latest := _latest(copies)) is None:
            raise
        _log.warning("the copy of an earlier pull is used", path=str(latest), reason=str(error))
        return latest
    except BundleError as error:
        if (latest := _latest(copies)) is None:
            raise
        raise BundleError(f"{error} (an earlier copy that you may name is {latest})") from error
    _keep(copy)
    return copy


def _refuse_programs(spec: str, raw: bytes) -> None:
    """What comes from elsewhere is data; what is a program is run only by its directory's name."""
    if parse_manifest(raw, spec).format in PROGRAMS:
        raise BundleError(
            f"{spec} is a program, as every TorchScript archive is, and is not run from "
            f"elsewhere; if you trust its author: sentiserve model pull {spec} DIR, and name DIR"
        )


def _copies(place: Remote) -> Path:
    """Where the copies of one place lie, each named by the digest of its manifest."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", str(place))[:80]
    unique = hashlib.sha256(f"{place} {place.server}".encode()).hexdigest()[:8]
    return Path(home) / "sentiserve" / "models" / f"{readable}-{unique}"


def _by_use(copies: Path) -> list[Path]:
    """The copies, the one that was used last first."""
    used = {}
    for manifest in copies.glob(f"[!.]*/{MANIFEST}"):
        with suppress(FileNotFoundError):  # another process may have dropped it meanwhile
            used[manifest.parent] = manifest.parent.stat().st_mtime
    return sorted(used, key=used.__getitem__, reverse=True)


def _latest(copies: Path) -> Path | None:
    return next(iter(_by_use(copies)), None)


def _keep(copy: Path) -> None:
    """Note that a copy is in use, and drop what has long been replaced."""
    with suppress(OSError):  # a cache that is read-only serves as well
        os.utime(copy)
        kept = {path.name for path in _by_use(copy.parent)[:_COPIES]}
        found = {path.name.lstrip(".").partition(".")[0] for path in copy.parent.iterdir()}
        for name in found - kept:
            discard(copy.with_name(name))
