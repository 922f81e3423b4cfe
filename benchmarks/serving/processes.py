"""Servers in processes of their own, stopped by their handles."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from benchmarks.serving.connections import Server, content_length

PATIENCE = 120.0  # seconds until a server answers
_DRAIN = 15.0  # seconds until a server that was asked to stop is killed
ROOT = Path(__file__).parents[2]


class NotReadyError(Exception):
    """A server ended, or didn't answer in time; the text has the end of its log."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Process:
    """A command and whatever it starts."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.started = time.perf_counter()
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=_without_ours() | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def until_answering(self, server: Server, request: bytes) -> float:
        """Ask until the answer is good; the seconds since the start.

        Raises:
            NotReadyError: it never is.
        """
        while (status := ask(server, request)) != http.client.OK:
            waited = time.perf_counter() - self.started
            if self._process.poll() is not None or waited > PATIENCE:
                end = self._log.read_text("utf-8", "replace")[-2000:]
                raise NotReadyError(f"no server after {waited:.0f} s (status {status}):\n{end}")
            time.sleep(0.05)
        return time.perf_counter() - self.started

    def memory(self) -> float:
        """Memory in MB of all its processes, what they share counted once."""
        return sum(map(_proportional, self._family())) / 1000

    def worked(self) -> float:
        """Seconds of CPU that all its processes took, with those that have ended."""
        ticks = 0
        for process in self._family():
            with suppress(OSError):
                stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, stat[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ask it to end, and end what doesn't."""
        family = self._family()
        if self._process.poll() is None:
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DRAIN)
        for process in family:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()

    def _family(self) -> list[int]:
        """The process and all that descend from it."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(stat.parent.name))
        family = [self._process.pid] if self._process.poll() is None else []
        for process in family:
            family += children.get(process, [])
        return family


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Process]:
    """A process that is gone afterwards."""
    process = Process(command, env, log)
    try:
        yield process
    finally:
        process.stop()


def ask(server: Server, request: bytes, timeout: float = 10.0) -> int:
    """The status of one answer; 0 if there is none."""
    with suppress(OSError, ValueError):
        return server.judge(*exchange(server, request, timeout))
    return 0


def exchange(server: Server, request: bytes, timeout: float = 10.0) -> tuple[int, bytes]:
    """Status and body of one answer.

    Raises:
        OSError: there is none in time.
    """
    with closing(socket.create_connection((server.host, server.port), timeout)) as connection:
        connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += _more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        while len(body) < content_length(head):
            body += _more(connection)
        return int(head[9:12]), body


def _more(connection: socket.socket) -> bytes:
    if chunk := connection.recv(1 << 16):
        return chunk
    raise ConnectionError("the answer breaks off")


def _proportional(process: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _without_ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SENTISERVE_")}
