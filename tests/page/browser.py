"""A real browser, and what a page must never do in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from processes import PATIENCE, Service

MILLISECONDS = 1000 * PATIENCE
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSED = "Failed to load resource: "  # the browser's own words, for what a page can't prevent
SAMPLE = "https://x.com/roastery_ines_samples/status/2099731674562279189"


@contextmanager
def started() -> Iterator[Browser]:
    """Debian's Chromium, without a window.

    Until it ends no event loop can be run on this thread, so it lives as long as a module's tests.
    """
    program = shutil.which("chromium") or pytest.fail("there is no chromium: make .venv/chromium")
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Dashboard:
    """The page of a service, open in a browser.

    Attributes:
        complaints: errors and warnings of the console, exceptions, dialogs.
        elsewhere: what was asked for at any other address.
        asked: what was asked for at the service.
    """

    page: Page
    service: Service
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.set_default_timeout(MILLISECONDS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", self._on_request)

    def open(self) -> Self:
        """Load the page, and wait until it is live."""
        self.page.goto(self.service.url)
        expect(self.page.locator("#connection")).to_have_text("live")
        return self

    def ask(self, question: str) -> None:
        """Paste a question, and wait for its answer."""
        self.page.get_by_label("A post's address, or a text").fill(question)
        self.page.get_by_role("button", name="Ask", exact=True).click()
        expect(self.page.locator("#result > *")).to_have_count(1)
        expect(self.page.locator("#result")).not_to_have_attribute("aria-busy", "true")

    def looked_again(self, part: str, times: int = 2) -> None:
        """Wait until the page has asked for this part so many times more."""
        for _ in range(times):
            with self.page.expect_response(lambda response: part in response.url):
                pass

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _on_request(self, request: Request) -> None:
        is_ours = request.url.startswith((self.service.url, "data:"))
        (self.asked if is_ours else self.elsewhere).append(request.url)


@contextmanager
def opened(browser: Browser, service: Service, **options: Any) -> Iterator[Dashboard]:
    """A page in a context of its own; the options are Playwright's of a context."""
    context = browser.new_context(**options)
    try:
        dashboard = Dashboard(context.new_page(), service)
        yield dashboard
        assert dashboard.elsewhere == []
    finally:
        context.close()
