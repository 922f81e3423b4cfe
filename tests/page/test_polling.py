"""How often an open page asks: for what it shows only when there is something new."""

import pytest
from page.browser import Dashboard, opened
from page.test_looks import settled
from playwright.sync_api import Browser, expect
from processes import Service

pytestmark = pytest.mark.xdist_group("page")
# A rest that never ends, so that whatever is asked for is asked for because of news.
RESTLESS = """
const after = window.setTimeout;
window.setTimeout = (work, pause, ...rest) => pause >= 10_000 ? 0 : after(work, pause, ...rest);
"""


def for_the_store(dashboard: Dashboard) -> list[str]:
    """What was asked for that the store answers."""
    return [url for url in dashboard.asked if "/v1/posts" in url or "/figures/" in url]


def test_a_page_at_rest_asks_only_for_the_last_hour_until_something_is_new(
    empty: Service, browser: Browser
) -> None:
    """Whoever else asks the service: posts, authors, hashtags and time come by themselves."""
    with opened(browser, empty) as dashboard:
        dashboard.page.add_init_script(RESTLESS)
        page = settled(dashboard.open())
        dashboard.looked_again("v1/activity")
        before = for_the_store(dashboard)
        dashboard.looked_again("v1/activity", times=4)
        assert for_the_store(dashboard) == before

        text = {"inputs": ["A new one. #fresh"]}
        empty.client.post("/v1/sentiment", json=text).raise_for_status()
        expect(page.locator("#posts li")).to_have_count(1)
        expect(page.locator("#popular button")).to_have_text("#fresh")
        expect(page.locator("#hashtag-figure svg title").first).to_contain_text("#fresh")
        expect(page.locator("#timeline svg title").first).to_be_attached()
        assert dashboard.complaints == []
