"""Fuzz the parsers, guided by which lines of theirs an input reaches.

    python fuzz/run.py [TARGET...] [--seconds 60]

Each target runs in a process of its own, and goes on from the corpus that earlier runs found in
``var/fuzz``. An input that breaks a parser lies there afterwards; its name, given instead of
``--seconds`` to the same target, breaks it again. Needs the dependency group ``fuzz``.
"""

import argparse
import subprocess
import sys
from logging import CRITICAL
from pathlib import Path

import atheris
import structlog

with atheris.instrument_imports(
    include=["sentiserve.tables", "sentiserve.sources", "sentiserve.texts", "json", "zipfile"]
):
    from targets import TARGETS

PLACE = Path("var", "fuzz")


def main() -> None:
    """The exit status is 1 if a parser breaks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--input", type=Path, help="give one file to one target, once")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no target {min(unknown)!r}; there are {', '.join(TARGETS)}")
    if arguments.input:
        TARGETS[names[0]].parse(arguments.input.read_bytes())
    elif arguments.here:
        fuzz(names[0], arguments.seconds)
    else:
        sys.exit(1 in [run(name, arguments.seconds) for name in names])


def run(name: str, seconds: int) -> int:
    """Fuzz in another process, for the fuzzer ends the one that it is in; 1 if it found one."""
    print(f"== {name}", flush=True)
    command = [sys.executable, __file__, name, "--seconds", str(seconds), "--here"]
    return int(subprocess.run(command, check=False).returncode != 0)


def fuzz(name: str, seconds: int) -> None:
    """Never returns."""
    target, corpus = TARGETS[name], PLACE / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = [f"-max_total_time={seconds}", f"-artifact_prefix={PLACE}/{name}-", "-max_len=8192"]
    flags += ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    atheris.Setup([sys.argv[0], *flags, str(corpus)], target.parse)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
