"""Bundles in S3, or in what speaks its protocol. Needs the extra ``hub``.

Credentials are only those that are around: variables, a profile, the machine's role.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own
    HTTPClientError,
    IncompleteReadError,
)

from sentiserve.errors import BundleError, UnreachableError
from sentiserve.models.bundle import MANIFEST
from sentiserve.models.remote import distrust, is_transient, without_credentials

_CONFIG = Config(
    connect_timeout=5,  # seconds
    read_timeout=30,
    retries={"total_max_attempts": 1},  # pull tries again by itself
    response_checksum_validation="when_required",  # pull compares SHA-256s
)
_CHUNK = 1 << 16  # bytes; at most so many are lost with a connection
_WITH_PASSWORD = re.compile(r"\S*@")  # what a URL says before its host
_TRANSIENT = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException"}


class Bucket:
    """The objects below one prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str | None = None) -> None:
        """Name the place; nothing is asked before the first call."""
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix and prefix.strip("/") else ""
        self._etags: dict[str, str] = {}

    def __str__(self) -> str:
        """The name that users give it."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def server(self) -> str:
        """The endpoint's URL, without credentials."""
        with self._explained(MANIFEST):
            return without_credentials(self._client.meta.endpoint_url)

    def size(self, name: str) -> int:
        """The bytes of a file."""
        with self._explained(name):
            head = self._client.head_object(**self._object(name))
        self._etags[name] = head["ETag"]
        return int(head["ContentLength"])

    def read(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, in parts; of the object whose size was told."""
        asked = self._object(name)
        if name in self._etags:
            asked["IfMatch"] = self._etags[name]
        if start:
            asked["Range"] = f"bytes={start}-"
        with (
            self._explained(name),
            closing(self._client.get_object(**asked)["Body"]) as body,
        ):
            yield from body.iter_chunks(_CHUNK)

    @cached_property
    def _client(self) -> Any:
        try:
            return boto3.session.Session().client("s3", config=_CONFIG)
        except ValueError as error:
            raise BundleError(f"{self}: AWS_ENDPOINT_URL is no usable URL") from error

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"}

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._answered(error, name) from error
        except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
            host = urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]
            if reason := distrust(error):
                raise BundleError(
                    f"{self}: {host} is not trusted: {reason}; "
                    "to trust an authority of your own, name its file in AWS_CA_BUNDLE"
                ) from error
            raise UnreachableError(f"{self}: {host} gives no answer; try again later") from error
        except BotoCoreError as error:  # no credentials, an unknown profile, a region that is none
            reason = _WITH_PASSWORD.sub("…@", " ".join(str(error).split()))
            raise BundleError(f"{self}: {reason}; check the AWS_… variables or profile") from error

    def _answered(self, error: ClientError, name: str) -> BundleError:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code == "NoSuchBucket":
            return BundleError(f"{self}: there is no such bucket; check its name and AWS_REGION")
        if status == HTTPStatus.NOT_FOUND and name == MANIFEST:
            return BundleError(f"{self} is no model bundle: it has no {MANIFEST}; check the prefix")
        if status == HTTPStatus.NOT_FOUND:
            return BundleError(f"{self}: {name} is missing; the bundle is not complete")
        if status == HTTPStatus.PRECONDITION_FAILED:
            return BundleError(f"{self}: {name} was replaced meanwhile; run it again")
        if is_transient(status) or code in _TRANSIENT:
            return UnreachableError(f"{self}: S3 answered {code}")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return BundleError(
                f"{self}: access refused ({code}); the credentials must be valid and allow "
                "s3:GetObject below it, and s3:ListBucket to tell what is missing"
            )
        return BundleError(f"{self}: S3 answered {code}")
