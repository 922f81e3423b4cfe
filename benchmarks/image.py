"""What a change costs: the image of three stages beside one of a single stage; and how it starts.

    python benchmarks/image.py [--rounds 3] [--network host]

It needs a Docker engine. A rebuild has everything but the change in its cache. What this builds
and runs is removed again; the build cache stays.
"""

import argparse
import json
import re
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
THREE_STAGES, ONE_STAGE = Path("deploy/Dockerfile"), Path("benchmarks/one-stage.Dockerfile")
POST = "https://x.com/roastery_ines_samples/status/2099731674562279189"
LOCKED_DOWN = ("--read-only", "--user=10001", "--cap-drop=ALL", "--security-opt=no-new-privileges")


def docker(*arguments: str) -> str:
    """Run a command of Docker's; what it printed."""
    return subprocess.run(
        ["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


@contextmanager
def copied() -> Iterator[Path]:
    """The files that an image is made of, to be changed."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
            shutil.copy(ROOT / name, directory)
        for name in ("src", "deploy", "benchmarks"):
            shutil.copytree(ROOT / name, Path(directory) / name)
        yield Path(directory)


def change_model(folder: Path) -> None:
    """Other weights."""
    with (folder / "src/sentiserve/data/model/model.onnx").open("ab") as weights:
        weights.write(secrets.token_bytes(8))


def change_code(folder: Path) -> None:
    """Another module."""
    with (folder / "src/sentiserve/texts.py").open("a") as module:
        module.write(f"# {secrets.token_hex(8)}\n")


def change_packages(folder: Path) -> None:
    """A package less: one of those that nothing which is measured here needs."""
    lock = folder / "deploy/lock/core.txt"
    lock.write_text(re.sub(r"(?ms)^shellingham==.*?(?=^\w)", "", lock.read_text()))
    with lock.open("a") as opened:
        opened.write(f"# {secrets.token_hex(8)}\n")


CHANGES: dict[str, Callable[[Path], None]] = {
    "the model": change_model,
    "the code": change_code,
    "the packages": change_packages,
}


class Builder:
    """Builds one Dockerfile."""

    def __init__(self, dockerfile: Path, network: str) -> None:
        """Nothing is built yet."""
        self.tag = f"sentiserve-report-{secrets.token_hex(4)}"
        self.built: set[str] = set()  # ids
        self._dockerfile, self._network = dockerfile, network

    def build(self, folder: Path) -> float:
        """Build what lies in a folder; the seconds that it took."""
        flags = (f"--network={self._network}", f"--file={folder / self._dockerfile}")
        begun = time.monotonic()
        self.built.add(docker("build", "--quiet", *flags, f"--tag={self.tag}", str(folder)))
        return time.monotonic() - begun

    def rebuild(self, change: Callable[[Path], None], rounds: int) -> str:
        """The seconds to build what was changed, one change after another."""
        seconds = []
        for _ in range(rounds):
            with copied() as folder:
                self.build(folder)
                change(folder)
                seconds.append(self.build(folder))
        return ", ".join(f"{each:.1f}" for each in seconds)

    def size(self) -> float:
        """Megabytes of all layers, uncompressed."""
        found: int = json.loads(docker("image", "inspect", self.tag))[0]["Size"]
        return found / 1e6

    def layers(self) -> list[tuple[str, float]]:
        """What made each layer that isn't empty, and its megabytes."""
        shown = "--format={{.Size}} {{.CreatedBy}}"
        lines = docker("history", "--human=false", "--no-trunc", shown, self.tag)
        found = [line.split(" ", 1) for line in lines.splitlines()]
        return [(made.partition(" #")[0], int(size) / 1e6) for size, made in found if size != "0"]


def start(image: str) -> tuple[float, float]:
    """Seconds from ``docker run`` until the health check is green, and until a post is answered."""
    begun = time.monotonic()
    key, published = secrets.token_hex(8), "--publish=127.0.0.1:0:8000"
    env = (f"--env=SENTISERVE_API_KEYS={key}", "--env=SENTISERVE_SOURCES=archive")
    container = docker("run", "--detach", *LOCKED_DOWN, published, *env, image)
    try:
        while docker("inspect", "--format={{.State.Health.Status}}", container) != "healthy":
            time.sleep(0.02)
        healthy = time.monotonic() - begun
        url = f"http://{docker('port', container, '8000')}/v1/inference?tweetUrl={POST}"
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(asked) as answer:
            json.load(answer)
        return healthy, time.monotonic() - begun
    finally:
        docker("rm", "--force", "--volumes", container)


def main() -> None:
    """Measure, and print what was found as Markdown."""
    parser = argparse.ArgumentParser(description="What a change of the image costs.")
    parser.add_argument("--rounds", type=int, default=3, help="changes of each kind")
    parser.add_argument("--network", default="default", help="the builds' network")
    given = parser.parse_args()
    ours, one = (Builder(file, given.network) for file in (THREE_STAGES, ONE_STAGE))
    try:
        report(ours, one, given.rounds)
    finally:
        docker("image", "rm", "--force", *ours.built, *one.built)


def report(ours: Builder, one: Builder, rounds: int) -> None:
    """The tables."""
    print("| | three stages | one stage |\n| --- | --- | --- |")
    for name, change in CHANGES.items():
        print(f"| seconds after a change of {name}", end=" | ", flush=True)
        print(f"{ours.rebuild(change, rounds)} | {one.rebuild(change, 1)} |", flush=True)
    with copied() as folder:
        ours.build(folder)
    print(f"| MB, uncompressed | {ours.size():.1f} | {one.size():.1f} |")
    print("\n| layer | MB |\n| --- | --- |")
    for made, megabytes in ours.layers():
        print(f"| `{made}` | {megabytes:.1f} |")
    starts = [start(ours.tag) for _ in range(2 * rounds)]
    healthy, answered = zip(*starts, strict=True)
    print(f"\nhealthy after {median(healthy):.2f} s (at most {max(healthy):.2f}),", end=" ")
    print(f"a post answered after {median(answered):.2f} s (at most {max(answered):.2f})")


if __name__ == "__main__":
    main()
