"""The report in a real browser, from the disk: what it looks like, and what it never does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from page.filling import HOSTILE, SCRIPT, fill, predicted
from playwright.sync_api import Browser, Page
from processes import PATIENCE, environment

import sentiserve
from sentiserve.protocols import Model
from sentiserve.sources.archive import read_post
from sentiserve.tables import read_rows, sample_archive

pytestmark = pytest.mark.xdist_group("page")
WIDE = {"viewport": {"width": 820, "height": 1100}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
TAG = "#</svg><script>alert(5)</script>"


def classified(model: Model) -> Iterator[Any]:
    """The bundled sample, as the bundled model sees it."""
    posts = [read_post(row) for row in read_rows(sample_archive())]
    sentiments = model.predict([post.text for post in posts])
    for post, sentiment in zip(posts, sentiments, strict=True):
        yield predicted(post, tuple(sentiment.scores.values()), datetime(2026, 11, 16, tzinfo=UTC))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of the sample, of a store with a hostile post as well, and of nothing."""
    folder = tmp_path_factory.mktemp("reports")
    sample = list(classified(sentiserve.load_model(threads=1)))
    hostile = predicted(HOSTILE, (0.2, 0.3, 0.5), datetime.now(UTC))
    made = {"sample": sample, "hostile": [*sample, hostile], "empty": []}
    for name, predictions in made.items():
        (folder / name).mkdir()
        asked = ["--hashtag", "bitcoin", *(["--hashtag", TAG] if name == "hostile" else [])]
        done = subprocess.run(
            [sys.executable, "-m", "sentiserve.cli.main", "report", f"{name}.html", *asked,
             "--store", fill(folder / name, predictions)],
            cwd=folder, env=environment(folder, {}), timeout=PATIENCE, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return {name: folder / f"{name}.html" for name in made}


def open_report(browser: Browser, report: Path, **options: Any) -> tuple[Page, list[str]]:
    """The page, and what went wrong or was asked for while it was loaded."""
    page = browser.new_context(**options).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(report.as_uri())
    assert complaints.pop(0) == report.as_uri()
    return page, complaints


@pytest.mark.parametrize("options", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["sample", "empty"])
def test_axe_finds_no_violation(
    browser: Browser, reports: dict[str, Path], name: str, scheme: str, options: dict[str, Any]
) -> None:
    """With its tables open; axe is put in from outside, where the policy allows that."""
    page, _ = open_report(browser, reports[name], color_scheme=scheme, bypass_csp=True, **options)
    for summary in page.locator("summary").all():
        summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["sample", "hostile", "empty"])
def test_it_asks_for_nothing_and_nothing_in_it_runs(
    browser: Browser, reports: dict[str, Path], name: str
) -> None:
    """No console message, no dialog, no request; and its own style is allowed."""
    page, complaints = open_report(browser, reports[name], **WIDE)
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).marginTop") == "0px"
    if name == "hostile":
        assert SCRIPT in page.locator(".posts").inner_text()
        assert f"Sentiment of {TAG}" in page.locator("main").inner_text()
        assert page.locator("[onload], [onerror], a[href^=javascript]").count() == 0
    assert complaints == []


def test_a_telephone_scrolls_in_one_direction_alone(
    browser: Browser, reports: dict[str, Path]
) -> None:
    """Whatever people are called; letters are no smaller than eleven pixels."""
    page, _ = open_report(browser, reports["hostile"], **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    sizes = page.evaluate(
        "[...document.querySelectorAll('.narrow svg')].map(svg =>"
        " 12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"
    )
    assert min(sizes) >= 11


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("report", WIDE | {"color_scheme": "light"}),
        ("report-phone-dark", PHONE | {"color_scheme": "dark", "device_scale_factor": 2}),
    ],
)
def test_it_has_its_picture_taken(
    browser: Browser,
    reports: dict[str, Path],
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
) -> None:
    """For the docs: ``make pictures``."""
    page, _ = open_report(browser, reports["sample"], **options)
    picture = Path(os.environ.get("PICTURES", tmp_path)) / f"{name}.png"
    page.screenshot(path=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 400_000
