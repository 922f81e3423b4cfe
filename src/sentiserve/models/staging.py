"""Directories that are replaced whole, or not at all."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import structlog

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.models.bundle import read_manifest, unlisted

_log = structlog.get_logger(__name__)


Strangers = Callable[[Path], set[str]]  # the names in a directory that are none of its kind's


def beside_bundle(path: Path) -> set[str]:
    """The names in a bundle's directory that are none of the bundle's.

    Raises:
        BundleError: it is no bundle.
    """
    return unlisted(path, read_manifest(path))


@contextmanager
def replacing(out: Path, strangers: Strangers = beside_bundle) -> Iterator[Path]:
    """A new directory to fill; it takes the place of ``out`` when the block ends well.

    Where ``out`` is a link, what it names is replaced, and the link stays.

    Args:
        out: the directory.
        strangers: see ``check_replaceable``.

    Raises:
        BadInputError: see ``check_replaceable``.
    """
    out = out.resolve()
    check_replaceable(out, strangers)
    out.parent.mkdir(parents=True, exist_ok=True)
    with locked(out):
        mend(out)
        new = out.with_name(f".{out.name}.new")
        shutil.rmtree(new, ignore_errors=True)  # a killed process left it
        new.mkdir()
        try:
            yield new
            swap(new, out)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def check_replaceable(out: Path, strangers: Strangers = beside_bundle) -> None:
    """Return if nothing is lost with ``out``: it is empty, not there, or of the right kind alone.

    Args:
        out: the directory.
        strangers: gives what in it is none of that kind's, and raises an error of ours where the
            whole directory isn't.

    Raises:
        BadInputError: something would be lost with it, or it can't be replaced whole.
    """
    if os.path.ismount(out.resolve()):  # no rename reaches it
        raise BadInputError(f"{out} is a mount point; name a directory below it")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        others = strangers(out)
    except SentiserveError as error:
        raise BadInputError(f"{error}; name an empty directory") from error
    if others:
        raise BadInputError(
            f"{out / min(others)} would be deleted with what is replaced; "
            "move it away, or name another directory"
        )


def swap(new: Path, out: Path) -> None:
    """Put a directory in the place of another, which is deleted; both on one file system."""
    old = _set_aside(out)
    if out.exists():
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        mend(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def mend(out: Path) -> None:
    """Put back what a swap had set aside when it was cut off between its two steps."""
    if not out.exists() and _set_aside(out).exists():
        _set_aside(out).rename(out)


def discard(out: Path) -> None:
    """Delete a directory and what its making left beside it, unless a process is at it."""
    with suppress(BlockingIOError), locked(out, wait=False):
        for path in (out, *out.parent.glob(f".{out.name}.*")):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def locked(out: Path, *, wait: bool = True) -> Iterator[None]:
    """Keep other processes from replacing ``out``; the lock ends with its process.

    Raises:
        BlockingIOError: another process has it, and this one is not to wait.
    """
    path = out.with_name(f".{out.name}.lock")
    while True:
        with path.open("a") as file:
            _lock(file, out, wait=wait)
            if not _is_at(file, path):  # who had the lock has deleted the file with it
                continue
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
            return


def _lock(file: IO[str], out: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            raise
        _log.warning("another process is writing there; waiting for it", path=str(out))
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _set_aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.old")
