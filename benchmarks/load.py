"""An open-loop load generator: requests arrive when they arrive, however the server is doing.

Arrivals are a Poisson process; a latency counts from the time at which a request was due, so a
server that stalls can't hide what piled up meanwhile. What the generator itself was late by is
reported, for a busy machine delays it too.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_FAILED, _LATE = 0, -1  # in place of a status: the connection broke; no answer in time


@dataclass(slots=True)
class Shots:
    """What came of the requests.

    Attributes:
        seconds: from the first request that was due to the last.
        statuses: of each answer; 0 for a broken connection, -1 for none in time.
        latencies: seconds from when a request was due to its answer's last byte.
        lag: seconds by which each request was sent too late by the generator.
    """

    seconds: float = 0.0
    statuses: list[int] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)

    def of(self, status: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """The latencies of all with that status, sorted."""
        chosen = [
            s for s, found in zip(self.latencies, self.statuses, strict=True) if found == status
        ]
        return np.sort(np.array(chosen))

    def goodput(self, within: float) -> float:
        """Answers with status 200 within so many seconds, a second."""
        return float((self.of(200) <= within).sum() / self.seconds) if self.seconds else 0.0

    def summary(self, within: float) -> dict[str, float]:
        """The figures that matter, times in milliseconds."""
        ok = self.of(200)
        counts = Counter(self.statuses)
        figures = {
            "offered": len(self.statuses) / self.seconds,
            "answered": counts[200] / self.seconds,
            "goodput": self.goodput(within),
            "refused": counts[503] + counts[429],
            "failed": len(self.statuses) - counts[200] - counts[503] - counts[429],
            "lag_p99": 1e3 * float(np.quantile(self.lag, 0.99)),
        }
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            figures[name] = 1e3 * float(np.quantile(ok, share)) if len(ok) else float("nan")
        return {name: round(value, 2) for name, value in figures.items()}


class _Connection(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self, on_answer: "Callable[[_Connection, int], None]") -> None:
        self._on_answer = on_answer
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self.due = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due, self.busy = due, True
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(_END_OF_HEAD)
        if head < 0:
            return
        body = _length(bytes(self._received[:head]))
        if len(self._received) < head + len(_END_OF_HEAD) + body:
            return
        status = int(self._received[9:12])
        self._received.clear()
        self.busy = False
        self._on_answer(self, status)

    def connection_lost(self, _: Exception | None) -> None:
        if self.busy:
            self.busy = False
            self._on_answer(self, _FAILED)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without Content-Length")


@dataclass(frozen=True, slots=True)
class Load:
    """Requests at a rate.

    Attributes:
        requests: gives the bytes of one request after the other.
        rate: requests a second, on average.
        seconds: how long they arrive.
        timeout: seconds after which an answer counts as none.
        connections: at most; what arrives while all are busy waits for one, and its time runs.
    """

    host: str
    port: int
    requests: Iterator[bytes]
    rate: float
    seconds: float
    timeout: float = 10.0
    connections: int = 1024
    seed: int = 1

    def run(self) -> Shots:
        """Fire all, and wait for the answers."""
        return uvloop.run(self._run())

    async def _run(self) -> Shots:
        loop, shots = asyncio.get_running_loop(), Shots()
        free: list[_Connection] = []
        made: list[_Connection] = []
        waiting: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()

        def answered(connection: _Connection, status: int) -> None:
            now = time.perf_counter()
            shots.statuses.append(status)
            shots.latencies.append(now - connection.due)
            if connection.open:
                if waiting.empty():
                    free.append(connection)
                else:
                    connection.send(*waiting.get_nowait())

        async def shoot(request: bytes, due: float) -> None:
            while free:
                connection = free.pop()
                if connection.open:
                    connection.send(request, due)
                    return
            if len(made) >= self.connections:
                waiting.put_nowait((request, due))
                return
            _, connection = await loop.create_connection(
                lambda: _Connection(answered), self.host, self.port
            )
            made.append(connection)
            connection.send(request, due)

        draw = random.Random(self.seed)
        started = due = time.perf_counter()
        tasks: set[asyncio.Task[None]] = set()
        sent = 0
        while due - started < self.seconds:
            due += draw.expovariate(self.rate)
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            shots.lag.append(max(0.0, time.perf_counter() - due))
            task = loop.create_task(shoot(next(self.requests), due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        shots.seconds = due - started
        deadline = time.perf_counter() + self.timeout
        while len(shots.statuses) < sent and time.perf_counter() < deadline:
            await asyncio.sleep(0.01)
        missing = sent - len(shots.statuses)
        shots.statuses += [_LATE] * missing
        shots.latencies += [self.timeout] * missing
        for connection in made:
            connection.busy = False
            connection.close()
        return shots


def get(path: str, host: str = "127.0.0.1") -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def post(path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """A POST request with JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
