"""Bundles in repositories of the Hugging Face Hub. Needs the extra ``hub``.

Files come over plain HTTP ranges, for huggingface_hub itself starts every file anew.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, ModelInfo, get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, logging  # type: ignore[attr-defined]  # lazy

from sentiserve.errors import BadInputError, BundleError, OfflineError, UnreachableError
from sentiserve.models.bundle import MANIFEST
from sentiserve.models.remote import distrust, is_transient, without_credentials

_CHECKPOINT = "config.json"
_TIMEOUT = httpx2.Timeout(30.0, connect=5.0)  # seconds
_PUBLIC = "https://huggingface.co"


class Hub:
    """One revision of a repository: the commit that its name meant when first asked."""

    def __init__(self, repository: str, revision: str | None = None) -> None:
        """Name the repository; nothing is asked before the first call.

        Args:
            repository: ``ORG/NAME``.
            revision: a branch, a tag or a commit; the default branch if not named.
        """
        self._repository = repository
        self._revision = revision
        # huggingface_hub looks at the variable only once, when it is imported.
        self._endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its warnings repeat URLs, credentials included

    def __str__(self) -> str:
        """The name that users give it."""
        return f"hf:{self._repository}" + (f"@{self._revision}" if self._revision else "")

    @property
    def repository(self) -> str:
        """``ORG/NAME``."""
        return self._repository

    @property
    def endpoint(self) -> str | None:
        """The hub's URL, if it is not the public one."""
        return self._endpoint

    @property
    def server(self) -> str:
        """The hub's URL, without credentials."""
        return without_credentials(self._endpoint or _PUBLIC)

    @property
    def commit(self) -> str:
        """The commit that the revision means."""
        if not self._info.sha:
            raise BundleError(f"{self}: {self._host} names no commit; check HF_ENDPOINT")
        return self._info.sha

    @cached_property
    def files(self) -> dict[str, RepoSibling]:
        """What the commit holds, by name."""
        return {file.rfilename: file for file in self._info.siblings or ()}

    def size(self, name: str) -> int:
        """The bytes of a file."""
        size = self._file(name).size
        if size is None:
            raise BundleError(f"{self}: {self._host} doesn't say how long {name} is")
        return size

    def read(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, in parts."""
        self._file(name)
        with self.explained():
            url = hf_hub_url(self._repository, name, revision=self.commit, endpoint=self._endpoint)
            headers = build_hf_headers() | {"Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
            with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT) as response:
                hf_raise_for_status(response)
                # A server may ignore the range, and send it all.
                skip = start if response.status_code == HTTPStatus.OK else 0
                for chunk in response.iter_raw():
                    yield chunk[skip:]
                    skip = max(0, skip - len(chunk))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say in our words what went wrong; theirs have many lines, and URLs.

        Raises:
            BundleError: instead of any error of huggingface_hub's.
        """
        try:
            yield
        except GatedRepoError as error:
            raise BundleError(
                f"{self} is gated: ask for access on its page, and set HF_TOKEN"
            ) from error
        except RepositoryNotFoundError as error:
            raise BundleError(
                f"{self}: no such repository; check the name, and set HF_TOKEN if it is private"
            ) from error
        except RevisionNotFoundError as error:
            raise BundleError(
                f"{self}: the repository has no revision {self._revision!r}"
            ) from error
        except HfHubHTTPError as error:
            raise self._answered(error.response.status_code) from error
        except HFValidationError as error:
            raise BadInputError(f"{self} is no name of a repository; it is ORG/NAME") from error
        except OfflineModeIsEnabled as error:
            raise OfflineError(f"{self} is not asked: HF_HUB_OFFLINE is set") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, LocalEntryNotFoundError) as error:
            raise self._unanswered(error) from error

    @cached_property
    def _info(self) -> ModelInfo:
        with self.explained():
            api = HfApi(endpoint=self._endpoint)
            try:
                return api.model_info(
                    self._repository,
                    revision=self._revision,
                    files_metadata=True,
                    timeout=_TIMEOUT,  # type: ignore[arg-type]  # it is handed on to httpx2
                )
            except (FileNotFoundError, ssl.SSLError) as error:  # before anything is asked
                raise self._untrusted(distrust(error) or str(error)) from error
            except (TypeError, KeyError, ValueError) as error:
                if isinstance(error, HFValidationError | HfHubHTTPError | httpx2.InvalidURL):
                    raise
                raise BundleError(
                    f"{self}: {self._host} does not answer as a hub does; check HF_ENDPOINT"
                ) from error

    @property
    def _host(self) -> str:
        return urlsplit(self._endpoint or _PUBLIC).netloc.rpartition("@")[2]

    def _file(self, name: str) -> RepoSibling:
        if name in self.files:
            return self.files[name]
        if name == MANIFEST and _CHECKPOINT in self.files:
            raise BundleError(
                f"{self} is a checkpoint, no bundle: it has no {MANIFEST}; make one of it with: "
                f"sentiserve model export {self} DIR"
            )
        if name == MANIFEST:
            raise BundleError(f"{self} is no model bundle: it has no {MANIFEST}")
        raise BundleError(f"{self}: {name} is missing; the bundle is not complete")

    def _answered(self, status: int) -> BundleError:
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return BundleError(f"{self}: access refused ({status}); check HF_TOKEN")
        if is_transient(status):
            return UnreachableError(f"{self}: {self._host} answered {status}")
        return BundleError(f"{self}: {self._host} answered {status}; check HF_ENDPOINT")

    def _unanswered(self, error: Exception) -> BundleError:
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
            return BundleError(f"{self}: HF_ENDPOINT is no usable URL")
        if isinstance(error, httpx2.TooManyRedirects):
            return BundleError(f"{self}: {self._host} redirects without end; check HF_ENDPOINT")
        if reason := distrust(error):
            return self._untrusted(reason)
        return UnreachableError(f"{self}: {self._host} gives no answer; try again later")

    def _untrusted(self, reason: str) -> BundleError:
        return BundleError(
            f"{self}: {self._host} is not trusted: {reason}; "
            "to trust an authority of your own, name its file in SSL_CERT_FILE"
        )
