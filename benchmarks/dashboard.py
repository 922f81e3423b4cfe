"""How soon the dashboard is there: in a real browser, on this machine, many loads.

    python benchmarks/dashboard.py [--loads 15] [--posts 100000]

A load is in a context of its own, so nothing is cached. Counted from the navigation's start: the
first paint with something on it, the moment from which the page takes questions, and when every
part shows what it has.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from page.browser import opened, started
from page.filling import fill, many
from processes import Service

_COMPLETE = """() => new Promise((resolve) => {
    const figures = "#authors svg, #timeline svg";
    const look = () => {
        const posts = document.querySelector("#posts li, #nothing:not([hidden])");
        const isThere = posts && document.querySelectorAll(figures).length === 2;
        isThere ? resolve(performance.now()) : setTimeout(look, 2);
    };
    look();
})"""
_TIMES = """() => [
    performance.getEntriesByName('first-contentful-paint')[0].startTime,
    performance.getEntriesByName('interactive')[0].startTime,
]"""
NAMES = ("first paint", "interactive", "all parts")


@contextmanager
def service(posts: int) -> Iterator[Service]:
    """A service of its own, with so many posts."""
    with tempfile.TemporaryDirectory() as directory:
        store = fill(Path(directory), many(posts))
        with Service(Path(directory), "--store", store) as started:
            yield started


def load(browser: Browser, service: Service) -> tuple[float, float, float]:
    """The milliseconds of one load."""
    with opened(browser, service) as dashboard:
        page = dashboard.page
        page.goto(service.url)
        complete: float = page.evaluate(_COMPLETE)
        first, interactive = page.evaluate(_TIMES)
        return first, interactive, complete


def main() -> None:
    """Measure, and print the medians and the worst."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--loads", type=int, default=15)
    parser.add_argument("--posts", type=int, default=100_000)
    given = parser.parse_args()
    with service(given.posts) as served, started() as browser:
        load(browser, served)  # the browser's first page is late by its own start
        taken = [load(browser, served) for _ in range(given.loads)]
    for name, values in zip(NAMES, zip(*taken, strict=True), strict=True):
        print(f"{name:12} median {median(values):5.0f} ms, worst {max(values):5.0f} ms")


if __name__ == "__main__":
    main()
