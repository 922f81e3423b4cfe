"""Measure what a dashboard costs those who ask for posts beside it.

    python -m benchmarks.beside [--posts 1000000] [--store redis://HOST] [--turns 6]

The store is one that ``benchmarks/insights.py`` filled. A client asks a service for posts that
it remembers, one after the other, in turns:

- alone;
- beside a page that asks the same service, every second, all that a dashboard asks;
- elsewhere: the page asks another service on the same store. The two share nothing but the
  machine, so that whatever this costs is the price of any work on its cores.

Before that, a client alone asks the service each of a dashboard's questions some times.
"""

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from statistics import median, quantiles

import httpx

from benchmarks.insights import BUSY, TTL
from benchmarks.serving.processes import free_port

REQUESTS = 2_000  # in a turn
ROUNDS = 15  # of a dashboard's questions
FIRST = 1_500_000_000_000_000_000  # the oldest post
PATHS = [
    "/v1/authors?limit=10",
    "/v1/hashtags?limit=10",
    f"/v1/hashtags/{BUSY}",
    f"/v1/timeline?hashtag={BUSY}&step=day",
    "/v1/timeline?step=hour",
    "/v1/timeline?step=day",
    "/v1/posts?limit=20",
    "/figures/authors.json?limit=10",
    f"/figures/hashtags/{BUSY}.json",
    "/figures/timeline.json?step=hour",
]
Pages = dict[str, str | None]
"""At which service a page looks, by what that is called."""
QUANTILES = {"median": 500, "p99": 990, "p99.9": 999}


def client_of(url: str) -> httpx.Client:
    """A client of the service at an address."""
    return httpx.Client(base_url=url, trust_env=False, timeout=60)


@contextmanager
def service(store: str) -> Iterator[str]:
    """The address of a service on the store."""
    env = os.environ | {
        "SENTISERVE_STORE": store,
        "SENTISERVE_TTL": str(TTL),
        "SENTISERVE_SOURCES": "archive",
        "SENTISERVE_HISTORY": "off",
        "SENTISERVE_DURABILITY": "none",
    }
    port = free_port()
    command = [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        with client_of(url) as client:
            while not is_ready(client):
                time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def is_ready(client: httpx.Client) -> bool:
    """Whether the service answers."""
    try:
        return client.get("/health/ready").is_success
    except httpx.HTTPError:
        return False


def look(url: str, looking: Event, stop: Event) -> None:
    """Ask all that a dashboard asks, every second."""
    with client_of(url) as client:
        while not stop.is_set():
            begin = time.perf_counter()
            for path in PATHS:
                client.get(path).raise_for_status()
            looking.set()
            stop.wait(max(0.0, 1 - (time.perf_counter() - begin)))


@contextmanager
def page(url: str | None) -> Iterator[None]:
    """A page that looks at the service at this address, if there is one.

    It has a process of its own, so that it doesn't slow who measures, and looks once before that:
    its start takes a core longer than all that it asks.
    """
    if url is None:
        yield
        return
    spawn = multiprocessing.get_context("spawn")
    looking, stop = spawn.Event(), spawn.Event()
    process = spawn.Process(target=look, args=(url, looking, stop))
    process.start()
    assert looking.wait(60), "the page could not look"
    yield
    stop.set()
    process.join()


def questions(client: httpx.Client) -> dict[str, list[float]]:
    """Milliseconds of each answer to a dashboard's questions."""
    taken: dict[str, list[float]] = {path: [] for path in PATHS}
    for _ in range(ROUNDS):
        for path in PATHS:
            begin = time.perf_counter()
            client.get(path).raise_for_status()
            taken[path].append((time.perf_counter() - begin) * 1_000)
    return taken


def requests(client: httpx.Client, posts: int, seed: int) -> list[float]:
    """Milliseconds of each answer for a post that is remembered."""
    draw, taken = random.Random(seed), []
    for _ in range(REQUESTS):
        url = f"https://x.com/i/status/{FIRST + draw.randrange(posts)}"
        begin = time.perf_counter()
        answer = client.get("/v1/inference", params={"tweetUrl": url})
        taken.append((time.perf_counter() - begin) * 1_000)
        assert answer.json()["cached"], answer.text
    return taken


def in_turns(client: httpx.Client, pages: Pages, posts: int, turns: int) -> dict[str, list[float]]:
    """Milliseconds of the answers for posts, by where the page looks."""
    taken: dict[str, list[float]] = {where: [] for where in pages}
    requests(client, posts, turns)
    for turn in range(turns):
        for where, url in pages.items():
            with page(url):
                taken[where] += requests(client, posts, turn)
    return taken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--store", help="its URL, instead of a SQLite file in var/")
    parser.add_argument("--turns", type=int, default=6)
    given = parser.parse_args()
    store = given.store or f"sqlite:///var/insights-{given.posts}.db"
    with service(store) as own, service(store) as another, client_of(own) as client:
        for path, taken in questions(client).items():
            print(f"{path:<40} median {median(taken):6.2f} ms   slowest {max(taken):6.2f} ms")
        pages = {"alone": None, "beside": own, "elsewhere": another}
        for where, taken in in_turns(client, pages, given.posts, given.turns).items():
            points = quantiles(taken, n=1_000)
            told = (f"{name} {points[point - 1]:5.2f} ms" for name, point in QUANTILES.items())
            print(f"{where:<10} {'   '.join(told)}   of {len(taken):,}")


if __name__ == "__main__":
    main()
