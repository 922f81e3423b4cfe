"""Load on a server: open loop, closed loop, and all at once.

In an open loop requests arrive when they arrive, however the server is doing. Arrivals are a
Poisson process; a latency counts from the time at which a request was due, so a server that
stalls can't hide what piled up meanwhile. What the generator itself was late by is reported,
for a busy machine delays it too.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.serving.connections import Pool, Server
from benchmarks.serving.shots import LATE, Shots

TIMEOUT = 10.0  # seconds after the last request, when an answer counts as none
_CONNECTIONS = 1024
_LOOK = 0.005  # seconds
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
    """

    server: Server
    requests: Iterator[bytes]
    rate: float
    seconds: float
    timeout: float = TIMEOUT
    connections: int = _CONNECTIONS
    seed: int = 1

    async def fire(self) -> Shots:
        """Send all, and wait for the answers."""
        shots = Shots()
        pool = Pool(self.server, self.connections, shots.add)
        await self._send(pool, shots)
        await _answered(shots, len(shots.lag), patience=self.timeout)
        await pool.close()
        return shots

    async def _send(self, pool: Pool, shots: Shots) -> None:
        draw = random.Random(self.seed)
        started = time.perf_counter()
        due = started + draw.expovariate(self.rate)
        while due - started < self.seconds:
            await _until(due, len(shots.lag))
            shots.lag.append(max(0.0, time.perf_counter() - due))
            pool.send(next(self.requests), due)
            due += draw.expovariate(self.rate)
        await _until(started + self.seconds, 0)
        shots.seconds = self.seconds


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
    """So many clients, each of whom asks again once it is answered."""
    shots, started = Shots(), time.perf_counter()

    def answered(status: int, latency: float) -> None:
        now = time.perf_counter()
        shots.add(status, latency)
        if now - started < seconds:
            ask(now)

    def ask(now: float) -> None:
        shots.lag.append(0.0)
        pool.send(next(requests), now)

    pool = Pool(server, clients, answered)
    await pool.fill()
    started = time.perf_counter()
    for _ in range(clients):
        ask(started)
    await asyncio.sleep(seconds)
    await _answered(shots, len(shots.lag), TIMEOUT)
    shots.seconds = time.perf_counter() - started
    await pool.close()
    return shots


async def at_once(server: Server, requests: list[bytes], patience: float = TIMEOUT) -> Shots:
    """All of them at the same moment, on connections that are open already."""
    shots = Shots()
    pool = Pool(server, len(requests), shots.add)
    await pool.fill()
    started = time.perf_counter()
    for request in requests:
        shots.lag.append(time.perf_counter() - started)
        pool.send(request, started)
    await _answered(shots, len(requests), patience)
    shots.seconds = time.perf_counter() - started
    await pool.close()
    return shots
