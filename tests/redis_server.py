"""Real Redis servers on loopback, stopped by their handles."""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest
import redis

PATIENCE = 180.0  # seconds; far more than needed, for busy machines


def binary() -> str:
    """The server's program."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        pytest.fail(
            "no redis-server or valkey-server is installed: run `make .venv/redis` as root, "
            "or install Redis 7 or newer with your system's packages"
        )
    return found


def free_port() -> int:
    """A port that nobody listens on; neither on the one that a cluster's node adds to it.

    Systems give ports from 32,768 upwards to whoever wants any: these are not among them, or one
    could be gone before a server has started, or while it is stopped.
    """
    while True:
        port = 12_000 + secrets.randbelow(10_000)
        with suppress(OSError):
            for each in (port, port + 10_000):
                socket.create_server(("127.0.0.1", each)).close()
            return port


class RedisServer:
    """A Redis that keeps nothing on disk and has many databases."""

    def __init__(self, *options: str, port: int | None = None) -> None:
        """Choose a free port; ``start`` starts it."""
        self.port = free_port() if port is None else port
        self.directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Database 0."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.directory / "socket"

    def client(self, **options: Any) -> Any:
        """A plain client, for looking behind the store."""
        return redis.Redis(port=self.port, protocol=3, **options)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and leave nothing."""
        self.stop()
        shutil.rmtree(self.directory)

    def start(self) -> None:
        """Start, and wait until it answers on its socket."""
        listening = ["--bind", "127.0.0.1", "--port", f"{self.port}"]
        keeping = ["--save", "", "--appendonly", "no", "--dir", f"{self.directory}"]
        others = ["--unixsocket", f"{self.socket}", "--databases", "1000", "--enable-debug-command"]
        self._process = subprocess.Popen(
            [binary(), *listening, *keeping, *others, "local", *self.options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(self.socket))
                    probe.sendall(b"PING\r\n")
                    if probe.recv(1):  # an error is an answer too
                        return
                except OSError:
                    time.sleep(0.01)
        self.stop()
        pytest.fail("redis-server did not start")

    def stop(self) -> None:
        """End it at once; what it holds is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(PATIENCE)

    def freeze(self) -> None:
        """From now on it accepts, but doesn't answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It answers again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It doesn't answer."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def clear(self) -> None:
        """Empty all databases."""
        with self.client() as client:
            client.flushall()


class RedisCluster:
    """Three nodes that share the slots."""

    def __init__(self) -> None:
        """``with`` starts it."""
        self.nodes: list[RedisServer] = []
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """By the first node."""
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}"

    def __enter__(self) -> Self:
        """Start the nodes, and wait until they agree."""
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
        for _ in range(3):
            self.nodes.append(self._stack.enter_context(RedisServer(*options, "--databases", "1")))
        clients = [node.client() for node in self.nodes]
        edges = [0, 5461, 10923, 16384]
        for client, start, end in zip(clients, edges, edges[1:], strict=False):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", _port(client))
        deadline = time.monotonic() + PATIENCE
        while not all(_agrees(client) for client in clients):
            if time.monotonic() > deadline:
                self.__exit__()
                pytest.fail("the cluster did not form")
            time.sleep(0.05)
        for client in clients:
            client.close()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all."""
        self._stack.close()

    def clear(self) -> None:
        """Empty all nodes."""
        for node in self.nodes:
            node.clear()


def _port(client: Any) -> int:
    port: int = client.connection_pool.connection_kwargs["port"]
    return port


def _agrees(client: Any) -> bool:
    info: bytes = client.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info


def password() -> str:
    """One that would show anywhere."""
    return f"s3cret-{secrets.token_hex(8)}"
