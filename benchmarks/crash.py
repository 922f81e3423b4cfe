"""Kill a service again and again while clients ask it, and see that nothing answered is lost.

    python benchmarks/crash.py [--kills 50] [--seed 1] [--durability os]

A real ``sentiserve serve`` is asked by several clients, killed (SIGKILL) at a random moment and
started again on what it left. In the end everything that a client has an answer to is in the
store, counts once in the aggregates, and stands once in the history.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from urllib.parse import urlsplit

import duckdb

CLIENTS = 4
LONGEST_LIFE = 0.6  # seconds under load, before the kill
PATIENCE = 60.0  # seconds


class Service:
    """A service in a process of its own."""

    def __init__(self, directory: Path, durability: str) -> None:
        own = {
            "XDG_DATA_HOME": str(directory),
            "SENTISERVE_DURABILITY": durability,
            "SENTISERVE_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", "0"],
            cwd=directory,
            env=os.environ | own,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.address = _listening(self.process.stderr)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's body, parsed if it is JSON."""
        with closing(http.client.HTTPConnection(self.address, timeout=PATIENCE)) as connection:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read().decode()
            assert response.status == 200, content
            return (
                json.loads(content) if response.headers["Content-Type"][-4:] == "json" else content
            )

    def end(self, number: int) -> int:
        """Send a signal, and wait; the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        if self.process.stderr is not None:
            with suppress(ValueError):
                self.process.stderr.close()
        return status


class Clients:
    """Ask one text after another, each once, and remember what was answered."""

    def __init__(self) -> None:
        self._numbers = count()
        self.answered: list[str] = []
        self.begun = threading.Event()  # there is something to lose

    def ask(self, service: Service) -> list[threading.Thread]:
        """Go on until the service is gone."""
        threads = [threading.Thread(target=self._ask, args=(service,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def _ask(self, service: Service) -> None:
        with suppress(OSError, http.client.HTTPException):
            while True:
                texts = [f"What a day, number {next(self._numbers)} #crash" for _ in range(2)]
                answer = service.ask("POST", "/v1/sentiment", {"inputs": texts})
                self.answered += [result["textInput"] for result in answer["results"]]
                self.begun.set()


def main() -> None:
    """Exit status 0 if nothing is lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--durability", choices=("os", "fsync"), default="os")
    arguments = parser.parse_args()
    chance, clients = random.Random(arguments.seed), Clients()
    with TemporaryDirectory() as name:
        directory = Path(name)
        for _ in range(arguments.kills):
            service = Service(directory, arguments.durability)
            threads = clients.ask(service)
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            clients.begun.wait(PATIENCE)
            service.end(signal.SIGKILL)
            for thread in threads:
                thread.join()
        check(directory, Service(directory, arguments.durability), clients.answered)
    print(f"{arguments.kills} kills, {len(clients.answered)} answers: all kept, each counted once")


def check(directory: Path, service: Service, answered: list[str]) -> None:
    """Compare what clients know with what is kept."""
    deadline = time.monotonic() + PATIENCE
    while "sentiserve_queued_records 0.0" not in service.ask("GET", "/metrics"):
        assert time.monotonic() < deadline, "the journal is not read back"
        time.sleep(0.05)
    counted = service.ask("GET", "/v1/hashtags/crash")["posts"]
    assert service.end(signal.SIGTERM) == 0
    data = directory / "sentiserve"
    with closing(sqlite3.connect(data / "store.db")) as store:
        kept = [text for (text,) in store.execute("SELECT text FROM predictions")]
    assert len(answered) == len(set(answered))
    assert len(kept) == len(set(kept)), "twice in the store"
    assert set(answered) <= set(kept), f"{len(set(answered) - set(kept))} lost"
    assert counted == len(kept), f"{counted} counted, {len(kept)} kept"
    assert not list(data.rglob("*.ndjson")), "the journal is not empty"
    if files := list((data / "history").rglob("*.parquet")):
        archived = [
            text for (text,) in duckdb.read_parquet(list(map(str, files))).select("text").fetchall()
        ]
        assert sorted(archived) == sorted(kept), f"{len(archived)} archived, {len(kept)} kept"


def _listening(log: IO[str]) -> str:
    for line in log:
        if found := re.search(r'"url":"(http://[^"]+)","event":"listening"', line):
            return urlsplit(found[1]).netloc
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
