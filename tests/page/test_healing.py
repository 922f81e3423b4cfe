"""The page while the service is away, slow to let it in, or short of what it needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from page.browser import MISSED, SAMPLE, Dashboard, opened
from playwright.sync_api import Browser, expect
from processes import Service, StartService

pytestmark = pytest.mark.xdist_group("page")
WORDS = "The service does not answer; trying again."


@contextmanager
def left_alone(browser: Browser, service: Service) -> Iterator[Dashboard]:
    """A page of which the browser may say what it didn't get, and nothing else."""
    with opened(browser, service) as page:
        yield page
        assert [c for c in page.complaints if not c.startswith(MISSED)] == []


def test_the_service_stopped_and_started_under_the_open_page(
    browser: Browser, start_service: StartService
) -> None:
    service = start_service()
    port = str(urlsplit(service.url).port)
    with left_alone(browser, service) as dashboard:
        page = dashboard.open().page
        dashboard.ask(SAMPLE)
        expect(page.locator("#authors svg title").first).to_be_attached()
        page.evaluate("window.isTheSame = true")
        page.locator("#tag").fill("#half typ")

        assert service.stop() == 0
        expect(page.locator("#connection")).to_have_text(WORDS)
        expect(page.locator("#authors svg")).to_be_visible()  # what was known stays
        page.get_by_label("A post's address, or a text").fill("Is anybody there?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator("#result")).to_contain_text("Your question stays here")

        start_service("--port", port)
        expect(page.locator("#connection")).to_have_text("live")
        expect(page.locator("#tag")).to_have_value("#half typ")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".verdict")).to_be_visible()
        expect(page.locator("#posts li")).to_have_count(2)  # the one of before, and this
        assert page.evaluate("window.isTheSame")


def test_a_store_that_fails_costs_the_figures_and_not_the_answers(
    browser: Browser, start_service: StartService, tmp_path: Path
) -> None:
    file = tmp_path / "store.db"
    service = start_service("--store", f"sqlite:///{file}")
    with left_alone(browser, service) as dashboard:
        page = dashboard.open().page
        expect(page.locator("#authors svg").first).to_be_visible()
        file.write_bytes(b"no database any longer")
        expect(page.locator("#authors .trouble")).to_contain_text("Not up to date: ")
        expect(page.locator("#posts-trouble")).to_contain_text("Not up to date: ")
        dashboard.ask(SAMPLE)
        expect(page.locator(".verdict")).to_contain_text("positive")


def test_a_page_slows_down_until_the_clients_limit_lets_it(
    browser: Browser, start_service: StartService
) -> None:
    service = start_service(client_rate="3", client_burst="3")
    with left_alone(browser, service) as dashboard:
        page = dashboard.open().page
        expect(page.locator("#authors svg")).to_be_visible()
        expect(page.locator("#posts li, #nothing:visible").first).to_be_visible()


def test_an_open_page_that_nobody_sees_asks_for_nothing(browser: Browser, service: Service) -> None:
    with opened(browser, service) as dashboard:
        # Chromium without a window calls no page hidden, so the page is told that it is.
        dashboard.page.add_init_script(
            "Object.defineProperty(document, 'hidden', {get: () => window.isUnseen === true})"
        )
        page = dashboard.open().page
        page.evaluate("window.isUnseen = true")
        page.wait_for_timeout(2_000)  # for what is on its way
        before = len(dashboard.asked)
        page.wait_for_timeout(5_000)  # in which it would ask twice or more
        assert len(dashboard.asked) == before
        page.evaluate(
            "window.isUnseen = false; document.dispatchEvent(new Event('visibilitychange'))"
        )
        dashboard.looked_again("v1/activity")
