"""Which HTTP server: one bare FastAPI route under each, in turns.

    python -m benchmarks.servers [--granian PYTHON] [--rounds 5]

PYTHON is that of an environment with granian, uvloop and fastapi in it; left out if not given.
"""

import argparse
import sys
import tempfile
from itertools import repeat
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.serving import http
from benchmarks.serving.connections import Server
from benchmarks.serving.load import closed_loop
from benchmarks.serving.processes import free_port, running

_APP = "benchmarks.serving.peers.bare:app"
_CLIENTS = 32
_SECONDS = 3.0
_REQUEST = http.get("/v1/inference?tweetUrl=1")


def commands(granian: str | None) -> dict[str, list[str]]:
    """How each server is started, but for its port."""
    uvicorn = [sys.executable, "-m", "uvicorn", _APP, "--loop", "uvloop", "--no-access-log"]
    found = {
        "uvicorn, h11": [*uvicorn, "--http", "h11"],
        "uvicorn, httptools": [*uvicorn, "--http", "httptools"],
    }
    if granian:
        found["granian"] = [granian, "-m", "granian", _APP, "--interface", "asgi"]
        found["granian"] += ["--loop", "uvloop", "--no-ws", "--log-level", "warning"]
    return found


def rate(command: list[str], log: Path) -> float:
    """Answers a second."""
    port = free_port()
    with running([*command, "--port", f"{port}"], {}, log) as process:
        server = Server(port)
        process.until_answering(server, _REQUEST)
        shots = uvloop.run(closed_loop(server, repeat(_REQUEST), _CLIENTS, _SECONDS))
    return len(shots.of(200)) / shots.seconds


def main() -> None:
    """Measure, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--granian", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in commands(given.granian)}
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(given.rounds):
            for name, command in commands(given.granian).items():
                found[name].append(rate(command, Path(directory) / "log"))
    slowest = median(found["uvicorn, h11"])
    for name, rates in found.items():
        print(f"{name:20} {median(rates):8,.0f}/s {median(rates) / slowest:6.2f}")


if __name__ == "__main__":
    main()
