"""What can harm a service: one long text, a crowd that wants the same, more than it can do."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.serving import http
from benchmarks.serving.capacity import IN_TIME, Step
from benchmarks.serving.connections import Server
from benchmarks.serving.load import Load, at_once
from benchmarks.serving.processes import exchange
from benchmarks.serving.shots import OK
from benchmarks.serving.texts import Lengths, Texts

LONG = 100_000  # characters; as many as sentiserve takes
_EVERY = 1.0  # seconds from one long text to the next
_WINDOW = 0.5  # seconds in which all must be well again
_PATIENCE = 10.0  # seconds
_LOOKS = 12  # at the memory, during an overload
_COUNTED = {
    "inferences": re.compile(rb"^sentiserve_batch_size_sum (\S+)", re.MULTILINE),
    "fetches": re.compile(rb"^sentiserve_source_posts_total\S* (\S+)", re.MULTILINE),
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
    server: Server,
    requests: Iterator[bytes],
    rate: float,
    seconds: float,
    usual: float,
    memory: Callable[[], float],
) -> dict[str, Any]:
    """More than it can do, and when it is well again at its usual rate.

    Args:
        server: who is asked.
        requests: what is asked.
        rate: requests a second.
        seconds: how long.
        usual: requests a second that it answers in time when it is well.
        memory: its memory now, in MB.
    """
    load = Load(server, requests, rate, seconds)
    shots, recovery, used = await asyncio.gather(
        load.fire(), _recovery(load, usual), _watched(memory, seconds)
    )
    figures = {"seconds": seconds, "recovery_s": recovery, "memory": used}
    return {**shots.figures(IN_TIME), **figures}


async def _recovery(overload: Load, rate: float) -> float | None:
    """Seconds from the overload's end to the first half second in which all is well."""
    await overload.sent.wait()
    ended = time.perf_counter()
    while (began := time.perf_counter() - ended) < _PATIENCE:
        usual = Load(overload.server, overload.requests, rate, _WINDOW, timeout=2.0)
        if Step(rate, await usual.fire()).passed:
            return round(began, 3)
    return None


async def _watched(memory: Callable[[], float], seconds: float) -> list[int]:
    """The memory at the start, at times in between, and at the end."""
    used = [round(memory())]
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds / _LOOKS)
        used.append(round(await asyncio.to_thread(memory)))
    return used


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
