"""moto as a server of its own, with what its CloudFormation lacks: ``python -m aws.emulator``."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "anybody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_PATIENCE = 90  # seconds, for busy machines


class Emulator:
    """The way to it."""

    def __init__(self, url: str) -> None:
        """Take its address."""
        self.url = url

    @property
    def variables(self) -> dict[str, str]:
        """What a process must know to take it for AWS."""
        return {**ACCOUNT, "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """boto3's client of one service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=ACCOUNT["AWS_DEFAULT_REGION"],
            aws_access_key_id=ACCOUNT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        )


@contextmanager
def emulator() -> Iterator[Emulator]:
    """A fresh one, in a process that ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "aws.emulator"],
        cwd=Path(__file__).parents[1],
        env=os.environ | ACCOUNT | {"MOTO_ACCOUNT_ID": "123456789012"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _PATIENCE)
        assert ready, "the emulator did not start"
        try:
            yield Emulator(process.stdout.readline().strip())
        finally:
            process.stdin.close()  # for which it waits


def main() -> None:
    """Serve until standard input ends."""
    from aws.lacking import teach_all
    from moto.server import ThreadedMotoServer

    teach_all()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    os.environ["AWS_ENDPOINT_URL"] = url
    print(url, flush=True)  # noqa: T201  # whoever started this reads it
    sys.stdin.read()
    os._exit(0)  # it keeps nothing


if __name__ == "__main__":
    main()
