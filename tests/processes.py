"""The service and the command line as tests run them: in processes of their own, or in this one."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import httpx
import pytest

T = TypeVar("T")

PATIENCE = 180.0  # seconds; far more than needed, for busy machines
_PAUSE = 0.02  # seconds between two looks


def environment(directory: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that knows nothing of the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SENTISERVE_")}
    own = {
        "XDG_DATA_HOME": str(directory / "data"),
        "XDG_STATE_HOME": str(directory / "state"),
        "SENTISERVE_SOURCES": "archive",  # no test asks a platform
        "SENTISERVE_THREADS": "1",
    }
    return kept | own | dict(given)


def variables(env: Mapping[str, str]) -> dict[str, str]:
    return {f"SENTISERVE_{name.upper()}": value for name, value in env.items()}


def is_here(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def eventually(look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Look again and again until there is something to see; fail after the seconds."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not so after {seconds:g} s")
        time.sleep(_PAUSE)
    return seen


class Service:
    """A real ``sentiserve serve`` in a process of its own, on a free port of this machine."""

    def __init__(self, directory: Path, *flags: str, **env: str) -> None:
        """Start the process in the directory; variables are named without ``SENTISERVE_``.

        Unless told otherwise it refuses nothing for being slow, as a busy machine is.
        """
        env = {"max_wait": "60"} | env
        self.logs: list[str] = []
        # The machine's proxies have no part in this.
        self.client = httpx.Client(timeout=PATIENCE, trust_env=False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", "0", *flags],
            cwd=directory,
            env=environment(directory, variables(env)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        # The pipe is always emptied, or a full one would stop the service.
        self._drain = threading.Thread(target=self._read_logs, daemon=True)
        self._drain.start()

    def __enter__(self) -> Self:
        """Wait until it is ready."""
        try:
            self.url: str = eventually(self._listening)
            self.client.base_url = httpx.URL(self.url)
            eventually(lambda: self.client.get("/health/ready").is_success)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whatever happened."""
        self.client.close()
        self._process.send_signal(signal.SIGTERM)  # does nothing where it has ended
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def stop(self) -> int:
        """Send SIGTERM, and wait; the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; the exit status."""
        status = self._process.wait(PATIENCE)
        self._drain.join(PATIENCE)
        return status

    def events(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in list(self.logs)]

    def _read_logs(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.logs.append(line)

    def _listening(self) -> str | None:
        if self._process.poll() is not None:
            self._drain.join(PATIENCE)
            pytest.fail(f"the service ended: {''.join(self.logs)}")
        found = re.search(r'"url":"(http://[^"]+)","event":"listening"', "".join(self.logs))
        return found and found[1]


class StartService(Protocol):
    """What the fixture ``start_service`` gives."""

    def __call__(self, *flags: str, **env: str) -> Service:
        """Start a service with these flags and ``SENTISERVE_`` variables, named without that."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str


class Run(Protocol):
    """What the fixtures ``cli`` and ``run_process`` give."""

    def __call__(self, *arguments: str | Path, stdin: str = "", **env: str) -> Ran:
        """Run ``sentiserve`` with arguments and ``SENTISERVE_`` variables, named without that."""


def on_terminal(*arguments: str, status: int = 0) -> bytes:
    """What the command says on a terminal."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "sentiserve.cli.main", *arguments]
    with subprocess.Popen(
        command, stderr=end, stdout=subprocess.DEVNULL, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(end)
        said = b""
        try:
            while chunk := os.read(terminal, 4096):
                said += chunk
        except OSError:  # the other end is closed: all was said
            pass
        finally:
            os.close(terminal)
        assert process.wait(PATIENCE) == status
    return said
