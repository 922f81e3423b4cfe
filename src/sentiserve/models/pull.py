"""Fetch a bundle from elsewhere: resumed, verified, and put in place whole or not at all."""

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sentiserve.errors import BundleError, OfflineError, UnreachableError
from sentiserve.models.bundle import (
    MANIFEST,
    MAX_MANIFEST,
    Manifest,
    digest,
    open_bundle,
    parse_manifest,
)
from sentiserve.models.remote import OnProgress, Remote, quiet
from sentiserve.models.staging import check_replaceable, locked, mend, swap

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0)  # seconds before each further attempt while nothing new arrives
_MAX_BUNDLE = 64 << 30  # bytes; far more than any text classifier
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def read_manifest(remote: Remote) -> bytes:
    """The bytes of a remote bundle's ``bundle.json``, as they are.

    Raises:
        BundleError: there is none, or it can't be had.
    """

    def read() -> bytes:
        raw = bytearray()
        for chunk in remote.read(MANIFEST):
            raw += chunk
            if len(raw) > MAX_MANIFEST:
                raise BundleError(f"{remote}: {MANIFEST} is over {MAX_MANIFEST:,} bytes")
        return bytes(raw)

    return _patiently(read)


def pull(remote: Remote, raw: bytes, out: Path, on_progress: OnProgress = quiet) -> Manifest:
    """Bring the bundle that a manifest describes to ``out``, unless it is there.

    Files arrive in a hidden directory beside ``out``, one for each manifest. What was cut
    off goes on there the next time; only a whole bundle takes the place of an earlier one.

    Args:
        remote: where the files are.
        raw: what ``read_manifest`` gave.
        out: the bundle's directory.
        on_progress: told how many bytes are here, and how many there are.

    Raises:
        BadInputError: see ``check_replaceable``.
        BundleError: a file can't be had, is not what the manifest says, or has no room.
    """
    manifest = parse_manifest(raw, f"{remote}: {MANIFEST}")
    out = out.resolve()
    with writing(out.parent):
        check_replaceable(out)
        if _is_there(out, raw):
            return manifest
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out):
            mend(out)
            if not _is_there(out, raw):  # another process may have brought it meanwhile
                _replace(remote, raw, manifest, out, on_progress)
    return manifest


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Say what to do when a directory can't be written to, or is full.

    Raises:
        BundleError: instead of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise BundleError(
                f"{directory}: no room for the download ({error.strerror}); "
                "free some and run it again, it goes on where it stopped"
            ) from error
        reason = error.strerror or " ".join(str(error).split())
        raise BundleError(f"{error.filename or directory}: {reason}") from error


def _is_there(out: Path, raw: bytes) -> bool:
    try:
        return (out / MANIFEST).read_bytes() == raw and bool(open_bundle(out))
    except (OSError, BundleError):
        return False


def _replace(
    remote: Remote, raw: bytes, manifest: Manifest, out: Path, on_progress: OnProgress
) -> None:
    prefix = f".{out.name}.pull-"
    staging = out.with_name(f"{prefix}{hashlib.sha256(raw).hexdigest()[:16]}")
    staging.mkdir(exist_ok=True)
    _Download(remote, manifest, staging, on_progress).run()
    (staging / MANIFEST).write_bytes(raw)
    open_bundle(staging)
    swap(staging, out)
    for other in out.parent.iterdir():  # other revisions, that nobody waits for any more
        if other.name.startswith(prefix):
            shutil.rmtree(other, ignore_errors=True)


class _Download:
    """The files of one bundle, on their way into one directory."""

    def __init__(
        self, remote: Remote, manifest: Manifest, directory: Path, on_progress: OnProgress
    ) -> None:
        self._remote = remote
        self._digests = manifest.files
        self._directory = directory
        self._on_progress = on_progress
        self._done = self._total = 0

    def run(self) -> None:
        sizes = {name: _patiently(partial(self._remote.size, name)) for name in self._digests}
        self._done = sum(self._kept(name, size) for name, size in sizes.items())
        self._total = sum(sizes.values())
        self._check_room()
        self._advance(0)
        for name, size in sizes.items():
            self._fetch(name, size)
            self._verify(name)

    def _kept(self, name: str, size: int) -> int:
        """How much of a file an earlier run left; more than there can be is thrown away."""
        file = self._directory / name
        file.touch()
        if file.stat().st_size > size:
            file.write_bytes(b"")
        return file.stat().st_size

    def _check_room(self) -> None:
        if self._total > _MAX_BUNDLE:
            raise BundleError(f"{self._remote} is over {_MAX_BUNDLE:,} bytes")
        free = shutil.disk_usage(self._directory).free
        if self._total - self._done > free:
            raise OSError(errno.ENOSPC, f"{self._total - self._done:,} bytes are to come")

    def _fetch(self, name: str, size: int) -> None:
        file = self._directory / name
        try:
            _patiently(partial(self._continue, file, size), lambda: file.stat().st_size)
        except UnreachableError as error:
            raise UnreachableError(
                f"{error}; {file.stat().st_size:,} of {size:,} bytes of {name} are here, "
                "run it again and it goes on from there"
            ) from error

    def _continue(self, file: Path, size: int) -> None:
        have = file.stat().st_size
        if have == size:
            return
        with file.open("ab") as opened:
            for chunk in self._remote.read(file.name, have):
                have += len(chunk)
                if have > size:
                    raise BundleError(f"{self._remote}: {file.name} is longer than was announced")
                opened.write(chunk)
                self._advance(len(chunk))
        if have < size:
            raise UnreachableError(f"{self._remote}: the connection was cut")

    def _verify(self, name: str) -> None:
        file = self._directory / name
        if digest(file) != self._digests[name]:
            file.unlink()
            raise BundleError(
                f"{self._remote}: {name} is not the file that {MANIFEST} describes: its SHA-256 "
                "differs; it was thrown away, run it again or have the bundle published again"
            )

    def _advance(self, count: int) -> None:
        self._done += count
        self._on_progress(self._done, self._total)


def _patiently(attempt: Callable[[], T], reached: Callable[[], int] = lambda: 0) -> T:
    """Try again while the remote can't be reached; the patience starts anew with any progress."""
    pauses, before = iter(PAUSES), reached()
    while True:
        try:
            return attempt()
        except OfflineError:
            raise
        except UnreachableError:
            if (now := reached()) > before:
                pauses, before = iter(PAUSES), now
            pause = next(pauses, None)
            if pause is None:
                raise
            time.sleep(pause)
