"""Load on a server: open loop, closed loop, and all at once.

In an open loop requests arrive when they arrive, however the server is doing. Arrivals are a
Poisson process; a latency counts from the time at which a request was due, so a server that
stalls can't hide what piled up meanwhile. What the generator itself was late by is reported,
for a busy machine delays it too, and so is how much of a core it took.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from benchmarks.serving.connections import Pool, Server
from benchmarks.serving.shots import LATE, REFUSED, Shots

TIMEOUT = 10.0  # seconds after the last request, when an answer counts as none
_CONNECTIONS = 1024
_LOOK = 0.005  # seconds
_REFUSED_PAUSE = 0.1  # seconds, which is less than any Retry-After
_UNINTERRUPTED = 16  # requests sent in one go when the generator is late


@dataclass(frozen=True, slots=True)
class Load:
    """Requests at a rate.

    Attributes:
        requests: gives the bytes of one request after the other.
        rate: requests a second, on average.
        seconds: how long they arrive.
        timeout: seconds after the last one, when an answer counts as none.
        connections: at most; what arrives while all are busy waits for one, and its time runs.
        sent: set when the last one is sent.
    """

    server: Server
    requests: Iterator[bytes]
    rate: float
    seconds: float
    timeout: float = TIMEOUT
    connections: int = _CONNECTIONS
    seed: int = 1
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def fire(self) -> Shots:
        """Send all, and wait for the answers."""
        shots = Shots()
        pool = Pool(self.server, self.connections, shots.add)
        arrivals = self._arrivals()
        requests = list(islice(self.requests, len(arrivals)))  # made before they are due
        try:
            with shots.timed():
                await self._send(pool, shots, arrivals, requests)
            shots.seconds = self.seconds
            self.sent.set()
            await _answered(shots, len(shots.lag), patience=self.timeout)
        finally:
            await pool.close()
        return shots

    def _arrivals(self) -> list[float]:
        draw, arrivals = random.Random(self.seed), list[float]()
        due = draw.expovariate(self.rate)
        while due < self.seconds:
            arrivals.append(due)
            due += draw.expovariate(self.rate)
        return arrivals

    async def _send(
        self, pool: Pool, shots: Shots, arrivals: list[float], requests: list[bytes]
    ) -> None:
        started = time.perf_counter()
        for arrival, request in zip(arrivals, requests, strict=True):
            due = started + arrival
            await _until(due, len(shots.lag))
            shots.lag.append(max(0.0, time.perf_counter() - due))
            pool.send(request, due)
        await _until(started + self.seconds, 0)


async def _until(due: float, sent: int) -> None:
    """Wait; if it is too late for that, let answers in now and then all the same."""
    wait = due - time.perf_counter()
    if wait > 0:
        await asyncio.sleep(wait)
    elif sent % _UNINTERRUPTED == 0:
        await asyncio.sleep(0)


async def _answered(shots: Shots, sent: int, patience: float) -> None:
    """Wait for what is missing, and call it late in the end."""
    deadline = time.perf_counter() + patience
    while len(shots.statuses) < sent and time.perf_counter() < deadline:  # noqa: ASYNC110  # cheap
        await asyncio.sleep(_LOOK)
    for _ in range(sent - len(shots.statuses)):
        shots.add(LATE, patience)


async def closed_loop(
    server: Server, requests: Iterator[bytes], clients: int, seconds: float
) -> Shots:
    """So many clients who ask again once they are answered; refused ones not at once."""
    shots, started = Shots(), time.perf_counter()
    loop = asyncio.get_running_loop()

    def answered(status: int, latency: float) -> None:
        shots.add(status, latency)
        if status in REFUSED:
            loop.call_later(_REFUSED_PAUSE, ask)
        else:
            ask()

    def ask() -> None:
        now = time.perf_counter()
        if now - started < seconds:
            shots.lag.append(0.0)
            pool.send(next(requests), now)

    pool = Pool(server, clients, answered)
    await pool.fill()
    with shots.timed():
        started = time.perf_counter()
        for _ in range(clients):
            ask()
        await asyncio.sleep(seconds)
        await _answered(shots, len(shots.lag), TIMEOUT)
    await pool.close()
    return shots


async def at_once(server: Server, requests: list[bytes], patience: float = TIMEOUT) -> Shots:
    """All of them at the same moment, on connections that are open already."""
    shots = Shots()
    pool = Pool(server, len(requests), shots.add)
    await pool.fill()
    with shots.timed():
        started = time.perf_counter()
        for request in requests:
            shots.lag.append(time.perf_counter() - started)
            pool.send(request, started)
        await _answered(shots, len(requests), patience)
    await pool.close()
    return shots
