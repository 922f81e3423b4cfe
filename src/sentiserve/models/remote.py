"""Places elsewhere that hold bundles: what each must do."""

import re
import ssl
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Protocol

OnProgress = Callable[[int, int], None]  # bytes that are here, bytes in all


def quiet(_done: int, _total: int) -> None:
    """Report no progress."""


class Remote(Protocol):
    """A place that holds the files of one bundle; ``str()`` is how users name it.

    Everything raises a BundleError that says what to do: UnreachableError where the same
    call may do better later.
    """

    @property
    def server(self) -> str:
        """The URL that is asked, without credentials: elsewhere, a name may mean another bundle."""

    def size(self, name: str) -> int:
        """The bytes of a file."""

    def read(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, in parts."""


def without_credentials(url: str) -> str:
    """A URL, but for what it says before its host."""
    return re.sub(r"//[^/]*@", "//", url)


def is_transient(status: int) -> bool:
    """Whether a server that answers so may answer otherwise a little later."""
    return (
        status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def distrust(error: BaseException | None) -> str | None:
    """Why a server's certificate is not trusted, if that is what lies behind an error."""
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message)
        if type(error) is FileNotFoundError:
            return "the file of trusted certificates is missing"
        if isinstance(error, ssl.SSLError) and error.library == "X509":
            return "the file of trusted certificates holds none"
        error = error.__cause__ or error.__context__
    return None
