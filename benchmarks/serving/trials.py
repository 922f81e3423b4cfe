"""What can harm a service: one long text, a crowd that wants the same, more than it can do."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.serving import http
from benchmarks.serving.capacity import IN_TIME
from benchmarks.serving.connections import Server
from benchmarks.serving.load import Load, at_once
from benchmarks.serving.processes import exchange
from benchmarks.serving.shots import OK
from benchmarks.serving.texts import Lengths, Texts

LONG = 100_000  # characters; as many as sentiserve takes
_EVERY = 1.0  # seconds from one long text to the next
_PAUSE = 0.02  # seconds from one look to the next
_PATIENCE = 10.0  # seconds
_COUNTED = {
    "inferences": re.compile(rb"^sentiserve_batch_size_sum (\S+)", re.MULTILINE),
    "misses": re.compile(rb'^sentiserve_predictions_total\{outcome="miss"\} (\S+)', re.MULTILINE),
}


async def long_text(
    server: Server,
    of_text: Callable[[str], bytes],
    requests: Iterator[bytes],
    rate: float,
    seconds: float,
) -> dict[str, Any]:
    """The short texts' p99 without long ones among them, and with one each second."""
    alone = await Load(server, requests, rate, seconds).fire()
    among, statuses = await asyncio.gather(
        Load(server, requests, rate, seconds).fire(), _long_ones(server, of_text, seconds)
    )
    return {
        "rate": round(rate, 2),
        "p99_alone": alone.figures(IN_TIME)["p99"],
        "p99": among.figures(IN_TIME)["p99"],
        "failed": among.figures(IN_TIME)["failed"],
        "long": dict(Counter(statuses)),
    }


async def _long_ones(server: Server, of_text: Callable[[str], bytes], seconds: float) -> list[int]:
    texts, statuses = Texts(Lengths()), []
    for number in range(max(1, round(seconds / _EVERY) - 1)):
        await asyncio.sleep(_EVERY / 2)
        request = of_text(texts.of_length(LONG, random.Random(number)))
        shots = await at_once(server, [request])
        statuses += shots.statuses
        await asyncio.sleep(_EVERY / 2)
    return statuses


async def crowd(server: Server, request: bytes, size: int, *, counts: bool) -> dict[str, Any]:
    """So many requests for one post at once; inferences, where the server counts them."""
    before = await _counted(server) if counts else {}
    shots = await at_once(server, [request] * size)
    after = await _counted(server) if counts else {}
    return {
        "requests": size,
        "answered": len(shots.of(OK)),
        "statuses": dict(Counter(shots.statuses)),
        "last_s": round(shots.seconds, 3),
        **{name: round(after[name] - before[name]) for name in after},
    }


async def overload(
    server: Server, requests: Iterator[bytes], rate: float, seconds: float
) -> dict[str, Any]:
    """More than it can do, and how long it takes to be as fast as ever again."""
    shots, recovery = await asyncio.gather(
        Load(server, requests, rate, seconds).fire(), _recovery(server, requests, seconds)
    )
    return {**shots.figures(IN_TIME), "seconds": seconds, "recovery_s": recovery}


async def _recovery(server: Server, requests: Iterator[bytes], after: float) -> float | None:
    await asyncio.sleep(after)
    ended = time.perf_counter()
    while time.perf_counter() - ended < _PATIENCE:
        if await answers_in_time(server, next(requests)):
            return round(time.perf_counter() - ended, 3)
        await asyncio.sleep(_PAUSE)
    return None


async def answers_in_time(server: Server, request: bytes) -> bool:
    """Whether a single request is answered as it should be."""
    try:
        shots = await at_once(server, [request], patience=2.0)
    except OSError:
        return False
    return shots.share_within(IN_TIME) == 1


async def _counted(server: Server) -> dict[str, float]:
    _, body = await asyncio.to_thread(exchange, Server(server.port), http.get("/metrics"))
    found = {name: pattern.search(body) for name, pattern in _COUNTED.items()}
    return {name: float(match[1]) if match else 0.0 for name, match in found.items()}
