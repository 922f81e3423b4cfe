"""The pictures in the docs: ``make pictures`` writes them anew, a test sees that it can."""

import os
from pathlib import Path

import pytest
from page.browser import SAMPLE
from page.conftest import Open
from page.test_looks import settled
from playwright.sync_api import expect
from processes import StartService

pytestmark = pytest.mark.xdist_group("page")
DESK = {"viewport": {"width": 1180, "height": 1420}}
PHONE = {"viewport": {"width": 360, "height": 780}, "is_mobile": True}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("page", DESK | {"color_scheme": "light"}),
        ("page-dark", DESK | {"color_scheme": "dark"}),
        ("page-phone", PHONE | {"color_scheme": "light", "device_scale_factor": 2}),
    ],
)
def test_the_page_has_its_picture_taken(
    name: str,
    options: dict[str, object],
    start_service: StartService,
    sample: list[dict[str, str]],
    dashboard: Open,
    tmp_path: Path,
) -> None:
    """Of the bundled sample."""
    service = start_service()
    inputs = [{"url": row["url"]} for row in sample]
    service.client.post("/v1/sentiment", json={"inputs": inputs}).raise_for_status()
    opened = dashboard(service, reduced_motion="reduce", **options)
    page = settled(opened)
    opened.ask(SAMPLE)
    page.get_by_role("button", name="#bitcoin").click()
    expect(page.locator("#hashtag-figure svg title").first).to_be_attached()
    expect(page.locator("#timeline svg title").first).to_contain_text("#bitcoin")
    page.evaluate("scrollTo(0, 0)")
    picture = Path(os.environ.get("PICTURES", tmp_path)) / f"{name}.png"
    page.screenshot(path=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 400_000
