"""The load generator, held against a server whose delays are known."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, cycle, repeat
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving import trials
from benchmarks.serving.connections import Server
from benchmarks.serving.http import get
from benchmarks.serving.load import Load, at_once, closed_loop
from benchmarks.serving.shots import FAILED, LATE, OK
from benchmarks.serving.trials import overload

QUICK, SLOW = get("/0/200"), get("/100/200")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    script = Path(__file__).with_name("delayed.py")
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate()


async def test_requests_arrive_at_the_rate_whatever_the_answers_take(server: Server) -> None:
    """A closed loop with one client would get ten answers a second."""
    shots = await Load(server, repeat(SLOW), rate=200, seconds=1).fire()
    assert 150 < len(shots.statuses) < 250
    assert set(shots.statuses) == {OK}


async def test_arrivals_are_a_poisson_process(server: Server) -> None:
    """Numbers of arrivals in equal spans vary by as much as their mean; of a beat, not at all."""
    counts = [
        len((await Load(server, repeat(QUICK), rate=100, seconds=0.2, seed=seed).fire()).lag)
        for seed in range(8)
    ]
    assert len(set(counts)) > 3
    assert np.mean(counts) == pytest.approx(20, abs=6)


async def test_the_same_seed_gives_the_same_arrivals(server: Server) -> None:
    first, second = [
        await Load(server, repeat(QUICK), rate=100, seconds=0.3, seed=5).fire() for _ in range(2)
    ]
    assert len(first.lag) == len(second.lag)


async def test_latencies_are_the_servers_delays(server: Server) -> None:
    shots = await Load(server, repeat(get("/500/200")), rate=40, seconds=0.5).fire()
    latencies = shots.of(OK)
    assert latencies.min() >= 0.5
    assert np.median(latencies) < 1.5


async def test_waiting_for_a_connection_counts(server: Server) -> None:
    """One connection, 100 ms for each: what arrives at 40/s waits ever longer."""
    load = Load(server, repeat(SLOW), rate=40, seconds=0.5, connections=1)
    shots = await load.fire()
    assert set(shots.statuses) == {OK}
    assert shots.of(OK).max() > 0.1 * (len(shots.statuses) - 2) - 0.5


async def test_statuses_are_counted_apart(server: Server) -> None:
    requests = cycle([QUICK, get("/0/503"), get("/0/500")])
    shots = await Load(server, requests, rate=300, seconds=0.5).fire()
    figures = shots.figures(within=0.1)
    assert figures["refused"] == pytest.approx(len(shots.statuses) / 3, abs=1)
    assert figures["failed"] == pytest.approx(len(shots.statuses) / 3, abs=1)
    assert shots.share_within(10) == pytest.approx(1 / 3, abs=0.02)


async def test_an_answer_that_is_too_slow_is_no_goodput(server: Server) -> None:
    shots = await Load(server, cycle([QUICK, get("/1500/200")]), rate=50, seconds=0.5).fire()
    assert shots.goodput(within=1.2) == pytest.approx(shots.goodput(10) / 2, rel=0.2)


async def test_a_broken_connection_is_a_failure_and_the_next_request_gets_another(
    server: Server,
) -> None:
    requests = chain([get("/break")], repeat(QUICK))
    shots = await Load(server, requests, rate=100, seconds=0.3, connections=1).fire()
    assert shots.statuses[0] == FAILED
    assert set(shots.statuses[1:]) == {OK}


async def test_no_answer_in_time_is_late(server: Server) -> None:
    requests = chain([get("/never")], repeat(QUICK))
    shots = await Load(server, requests, rate=100, seconds=0.2, timeout=2).fire()
    assert shots.statuses.count(LATE) == 1


async def test_a_server_that_is_not_there_fails_everything() -> None:
    shots = await Load(Server(1), repeat(QUICK), rate=100, seconds=0.2).fire()
    assert shots.statuses
    assert set(shots.statuses) == {FAILED}


async def test_a_judge_reads_the_body(server: Server) -> None:
    def judge(status: int, body: bytes) -> int:
        return 503 if body == b"{}" else status

    shots = await at_once(Server(server.port, judge=judge), [QUICK])
    assert shots.statuses == [503]


async def test_a_closed_loop_has_as_many_requests_under_way_as_clients(server: Server) -> None:
    shots = await closed_loop(server, repeat(get("/300/200")), clients=4, seconds=1.5)
    assert 12 <= len(shots.statuses) <= 24


async def test_a_crowd_comes_at_once(server: Server) -> None:
    shots = await at_once(server, [SLOW] * 300)
    assert shots.statuses == [OK] * 300
    assert shots.seconds < 15  # one after another would take twice as long


async def test_a_load_tells_when_it_is_sent_though_answers_are_missing(server: Server) -> None:
    load = Load(server, repeat(get("/never")), rate=100, seconds=0.2, timeout=5)
    firing = asyncio.create_task(load.fire())
    async with asyncio.timeout(4):
        await load.sent.wait()
    assert not firing.done()
    firing.cancel()
    with suppress(asyncio.CancelledError):
        await firing


async def test_what_the_generator_takes_of_a_core_is_noted(server: Server) -> None:
    shots = await Load(server, repeat(QUICK), rate=300, seconds=0.5).fire()
    assert 0 < shots.figures(within=0.1)["generator"] <= 1  # type: ignore[operator]  # it is there


async def test_recovery_is_when_all_is_well_again(server: Server) -> None:
    """The long answers of the overload don't count, only what is asked after it."""
    requests = chain(repeat(get("/400/200"), 20), repeat(QUICK))
    figures = await overload(server, requests, rate=100, seconds=0.2, usual=50, memory=lambda: 7.0)
    assert figures["recovery_s"] is not None
    assert figures["recovery_s"] < 4
    assert set(figures["memory"]) == {7}


async def test_there_is_no_recovery_where_nothing_is_in_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "_PATIENCE", 0.6)
    figures = await overload(
        server, repeat(get("/200/200")), rate=50, seconds=0.1, usual=50, memory=lambda: 7.0
    )
    assert figures["recovery_s"] is None


async def test_a_client_that_is_refused_does_not_ask_again_at_once(server: Server) -> None:
    shots = await closed_loop(server, repeat(get("/0/503")), clients=2, seconds=0.5)
    assert 2 <= len(shots.statuses) <= 12
