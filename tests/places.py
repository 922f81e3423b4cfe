"""Places elsewhere that hold bundles, each behind a line: a hub and S3 (moto's), on loopback."""

import logging
import os
import random
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import boto3
import msgspec
from hub import Files, Hub, digest
from line import Line
from moto.server import ThreadedMotoServer

from sentiserve.models.bundle import CARD, MANIFEST, TOKENIZER, Manifest

WEIGHTS = "model.onnx"
SIZE = 400_000  # bytes of the weights below
SLACK = 20_000  # bytes that everything but weights takes: other files, headers
SECRET = "hunter2-4711"


def bundle_files(revision: str = "1", **further: bytes) -> Files:
    """The files of a whole bundle; the weights depend on the revision, and are no model."""
    files = {
        CARD: f"# Revision {revision}\n".encode(),
        TOKENIZER: b"{}",
        WEIGHTS: random.Random(revision).randbytes(SIZE),
    }
    manifest = Manifest(
        name="tickets",
        revision=revision,
        format="onnx",
        weights=WEIGHTS,
        labels=("negative", "positive"),
        max_tokens=16,
        preprocessing="none",
        licence="CC0-1.0",
        files={name: digest(raw) for name, raw in files.items()},
    )
    return {**files, MANIFEST: msgspec.json.encode(manifest), **further}


def write(directory: Path, files: Files) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        (directory / name).write_bytes(raw)
    return directory


class Place(Protocol):
    """A place that a test may fill, and the line to it."""

    spec: str
    line: Line

    def publish(self, files: Files) -> None:
        """Hold these files, and no others."""

    def deny(self) -> None:
        """Let nobody read."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process must know to ask it."""


@dataclass
class HubPlace:
    hub: Hub
    line: Line
    spec: str = "hf:team/tickets"

    def publish(self, files: Files) -> None:
        self.hub.add("team/tickets", files)

    def deny(self) -> None:
        self.hub.repositories["team/tickets"].token = SECRET

    @property
    def variables(self) -> Mapping[str, str]:
        return {"HF_ENDPOINT": self.line.url}


@dataclass
class S3:
    """moto's server, and a client that may do everything."""

    server: ThreadedMotoServer

    @cached_property
    def client(self) -> Any:
        return boto3.client("s3", endpoint_url=self.url, **self.anybody)

    @property
    def port(self) -> int:
        return self.server.get_host_and_port()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def anybody(self) -> dict[str, str]:
        return {
            "aws_access_key_id": "anybody",
            "aws_secret_access_key": SECRET,
            "region_name": "us-east-1",
        }

    def user(self) -> dict[str, str]:
        """The variables of somebody who is known, and may do nothing."""
        iam = boto3.client("iam", endpoint_url=self.url, **self.anybody)
        name = f"user-{random.randrange(1 << 30)}"
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    def enforce(self, *, wanted: bool) -> None:
        """Ask for permissions from now on, or no longer."""
        urllib.request.urlopen(
            urllib.request.Request(
                f"{self.url}/moto-api/reset-auth",
                data=b"0" if wanted else b"inf",
                headers={"Content-Type": "text/plain"},
                method="POST",
            )
        ).close()

    def reset(self) -> None:
        """Forget everything."""
        self.enforce(wanted=False)
        urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        ).close()


@dataclass
class S3Place:
    s3: S3
    line: Line
    spec: str = "s3://team/models/tickets"

    def publish(self, files: Files) -> None:
        client = self.s3.client
        client.create_bucket(Bucket="team")
        for found in client.list_objects_v2(Bucket="team").get("Contents", []):
            client.delete_object(Bucket="team", Key=found["Key"])
        for name, raw in files.items():
            client.put_object(Bucket="team", Key=f"models/tickets/{name}", Body=raw)

    def deny(self) -> None:
        os.environ.update(self.s3.user())
        self.s3.enforce(wanted=True)

    @property
    def variables(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.line.url,
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def moto() -> Iterator[S3]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # or it would log every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield S3(server)
    finally:
        server.stop()
