"""Services and pages for the tests of the dashboard."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from page.browser import Dashboard, opened, started
from page.filling import HOSTILE, fill, many, predicted
from playwright.sync_api import Browser
from processes import Service


class Open(Protocol):
    """What the fixture ``dashboard`` gives."""

    def __call__(self, service: Service, **options: Any) -> Dashboard:
        """Open a service's page in a context with these options."""


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service over 100,000 posts, one of which is hostile."""
    directory = tmp_path_factory.mktemp("full")
    hostile = predicted(HOSTILE, (0.2, 0.3, 0.5), datetime.now(UTC))
    store = fill(directory, [*many(99_999), hostile])
    with Service(directory, "--store", store, store_timeout="60") as service:
        yield service


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Service]:
    """A service that was never asked anything."""
    with Service(tmp_path) as service:
        yield service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def dashboard(browser: Browser) -> Iterator[Open]:
    """Open pages; whatever they are asked, none complains, and none asks anybody else."""
    pages: list[Dashboard] = []
    with ExitStack() as stack:

        def open_page(service: Service, **options: Any) -> Dashboard:
            pages.append(stack.enter_context(opened(browser, service, **options)))
            return pages[-1].open()

        yield open_page
        assert [complaint for page in pages for complaint in page.complaints] == []
