"""Serve inside a control group as small as the smallest task of AWS Fargate, and ask.

    python -m benchmarks.small_task [BUNDLE] [--cores 0.25] [--memory 512] [--requests 200]

BUNDLE is a directory; the bundled model if not given. One client asks for new texts, one after
another, then eight at once, then for a text of 100,000 characters, then for a list of 256. The
exit status is 1 if a process was killed, or an answer isn't 200 or 503. Needs Linux, and the
right to make control groups (root, as a rule), of version 1 or 2.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2

from benchmarks.serving.processes import free_port
from benchmarks.serving.texts import Lengths, Texts

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000  # microseconds
_PATIENCE = 300.0  # seconds; a quarter of a core takes four times as long to start


@dataclass(frozen=True, slots=True)
class Group:
    """A control group: where processes enter it, and what tells of its memory."""

    directories: tuple[Path, ...]
    peak: Path
    kills: tuple[Path, str]

    def enter(self) -> None:
        """Put this process into it."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(os.getpid()))

    def killed(self) -> int:
        """How many processes the kernel has killed for want of memory."""
        file, name = self.kills
        found = [line.split()[1] for line in file.read_text().splitlines() if line.startswith(name)]
        return int(found[0])


@contextmanager
def group(cores: float, memory: int) -> Iterator[Group]:
    """A group with so many cores and bytes, gone afterwards."""
    name = f"sentiserve-{os.getpid()}"
    quota = round(cores * _PERIOD)
    if (_ROOT / "cgroup.controllers").exists():
        (_ROOT / "cgroup.subtree_control").write_text("+cpu +memory")
        both = _ROOT / name
        limits = {both / "cpu.max": f"{quota} {_PERIOD}", both / "memory.max": f"{memory}"}
        limits[both / "memory.swap.max"] = "0"
        made = Group((both,), both / "memory.peak", (both / "memory.events", "oom_kill "))
    else:
        cpu, ram = _ROOT / "cpu" / name, _ROOT / "memory" / name
        limits = {cpu / "cpu.cfs_period_us": f"{_PERIOD}", cpu / "cpu.cfs_quota_us": f"{quota}"}
        limits[ram / "memory.limit_in_bytes"] = f"{memory}"
        made = Group(
            (cpu, ram), ram / "memory.max_usage_in_bytes", (ram / "memory.oom_control", "oom_kill ")
        )
    for directory in made.directories:
        directory.mkdir()
    try:
        for file, limit in limits.items():
            file.write_text(limit)
        yield made
    finally:
        for directory in made.directories:
            directory.rmdir()


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("--cores", type=float, default=0.25)
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    with group(given.cores, given.memory << 20) as found:
        sys.exit(0 if _measure(found, given.bundle, given.requests) else 1)


def _measure(found: Group, bundle: str | None, requests: int) -> bool:
    port, started = free_port(), time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        env = {k: v for k, v in os.environ.items() if not k.startswith("SENTISERVE_")}
        env |= {"XDG_DATA_HOME": directory, "SENTISERVE_SOURCES": "archive"}
        # As in a container, the group is all that the service sees of groups.
        mounts = "; ".join(f"mount --bind {d} {d.parent}" for d in found.directories)
        command = ["unshare", "--mount", "sh", "-ec", f'{mounts}; exec "$@"', "sh"]
        command += [sys.executable, "-m", "sentiserve.cli.main", "serve", "--port", f"{port}"]
        command += ["--model", bundle] if bundle else []
        with (Path(directory) / "log").open("wb") as log:
            service = subprocess.Popen(
                command, cwd=directory, env=env, stderr=log, preexec_fn=found.enter
            )
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=_PATIENCE) as client:
                _until_ready(client, service)
                print(f"{'ready after, s':28} {time.perf_counter() - started:.1f}")
                good = _ask(client, requests)
                print(f"{'resident at rest, MB':28} {_resident(service.pid) / 1000:.0f}")
        finally:
            service.terminate()
            status = service.wait(_PATIENCE)
        print(f"{'most memory of the group, MB':28} {int(found.peak.read_text()) / 1e6:.0f}")
        print(f"{'killed for want of memory':28} {found.killed()}")
        print(f"{'exit status':28} {status}")
        return good and not found.killed() and status == 0


def _until_ready(client: httpx2.Client, service: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while service.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/health/ready").is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"it never became ready (exit status {service.poll()})")


def _ask(client: httpx2.Client, requests: int) -> bool:
    texts = Texts(Lengths())
    statuses: set[int] = set()

    def seconds(inputs: list[str]) -> float:
        began = time.perf_counter()
        answer = client.post("/v1/sentiment", json={"inputs": inputs})
        results = answer.json().get("results", [answer.json()])
        statuses.update(result.get("status", answer.status_code) for result in results)
        return time.perf_counter() - began

    alone = [seconds([texts[number]]) for number in range(requests)]
    print(f"{'one client: median, worst, s':28} {median(alone):.3f} {max(alone):.3f}")
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as eight:
        together = list(eight.map(seconds, [[texts[-1 - number]] for number in range(requests)]))
    rate = requests / (time.perf_counter() - began)
    print(f"{'eight clients: texts a s':28} {rate:.1f}, worst {max(together):.2f} s")
    print(f"{'100,000 characters, s':28} {seconds(['very good ' * 10_000]):.2f}")
    print(f"{'a list of 256, s':28} {seconds([f'{texts[n]} {n}' for n in range(256)]):.1f}")
    print(f"{'statuses':28} {sorted(statuses)}")
    return statuses <= {200, 503}


def _resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    main()
