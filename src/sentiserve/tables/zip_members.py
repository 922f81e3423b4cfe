"""Read members of a zip file that nobody can be trusted to have made. Nothing is extracted."""

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sentiserve.errors import BadInputError

MAX_DIRECTORY = 64 << 20  # bytes; the list of members is held in memory
MAX_BYTES = 32 << 30  # of what is read, unpacked
MAX_RATIO = 200  # posts pack to a tenth; deflate's best is a thousandth
_FREE = 1 << 20  # bytes that may come from any few
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_DAMAGED = (
    BadZipFile, zlib.error, struct.error,
    EOFError, ValueError, NotImplementedError, OverflowError,
)  # fmt: skip


class _File(io.FileIO):
    """A file that isn't read into memory by a large piece, as a list of members would be."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise BadInputError(f"{self.name}: its list of members is too long")
        return super().read(size)


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    """A zip file; whatever is wrong with it, while it is read too, is a BadInputError."""
    try:
        with _File(path) as file, ZipFile(file) as archive:
            yield archive
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise BadInputError(f"{path}: no zip file, or a damaged one: {reason}") from error


def chunks(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """A member's bytes.

    Raises:
        BadInputError: it is encrypted, packed in another way than zip files commonly are, or
            more comes out of it than posts would give.
    """
    _check(member)
    with archive.open(member) as file:
        yield from bounded(file, member.filename, member.compress_size)


def bounded(file: IO[bytes], name: str, packed: int) -> Iterator[bytes]:
    """What a file gives, as long as that is in proportion to what it was packed into."""
    unpacked = 0
    while chunk := file.read(_CHUNK):
        unpacked += len(chunk)
        _check_size(name, unpacked, packed)
        yield chunk


def only(members: Collection[ZipInfo]) -> ZipInfo:
    """The one member.

    Raises:
        BadInputError: there are several.
    """
    first, *others = members
    if others:
        names = " and ".join(member.filename for member in members)
        raise BadInputError(f"which of {names} counts is not clear; remove one of them")
    return first


def check_together(archive: ZipFile, members: Collection[ZipInfo]) -> None:
    """Refuse members that are too large together, or overlap to seem smaller than they are.

    Raises:
        BadInputError: they would unpack to more than posts, or say that more of the file is
            theirs than there is.
    """
    packed = sum(member.compress_size for member in members)
    if packed > archive.start_dir:  # where the list of members begins, and they end
        raise BadInputError("its members overlap, or state wrong sizes; the file is refused")
    _check_size("what it holds", sum(member.file_size for member in members), packed)


def _check(member: ZipInfo) -> None:
    name = member.filename
    if member.flag_bits & _ENCRYPTED:
        raise BadInputError(f"{name} is encrypted; unpack the archive and zip it without password")
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise BadInputError(
            f"{name} is compressed by method {member.compress_type}; "
            "unpack the archive and zip it as usual (deflate)"
        )
    _check_size(name, member.file_size, member.compress_size)


def _check_size(name: str, unpacked: int, packed: int) -> None:
    if unpacked > min(MAX_BYTES, _FREE + packed * MAX_RATIO):
        raise BadInputError(
            f"{name} unpacks {packed:,} bytes to {unpacked:,} or more, which no posts do; "
            "the file is refused"
        )
