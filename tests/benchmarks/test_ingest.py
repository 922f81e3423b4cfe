"""Ingesting from a fake of X that fails, stopped and resumed twice: the benchmark in short."""

from pathlib import Path

from .scripts import load

POSTS = 600


def test_each_post_is_read_and_stored_once_whatever_fails_and_whoever_stops_it(
    tmp_path: Path,
) -> None:
    benchmark = load("ingest")
    figures = benchmark.ingest(tmp_path, POSTS, faults=0.4, seed=43)
    assert figures.stored == figures.archived == (POSTS, POSTS)
    assert figures.whole == POSTS // benchmark.PAGE
    assert figures.spoilt
    assert all(figures.new)
    assert benchmark.holds(figures, POSTS)
