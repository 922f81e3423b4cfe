"""Where the service needs credentials, so does its page."""

import pytest
from page.browser import SAMPLE, opened
from page.conftest import Open
from playwright.sync_api import Browser, Error, expect
from processes import StartService

pytestmark = pytest.mark.xdist_group("page")
KEY, USER, PASSWORD = "a-key-of-4711-words", "ada", "pass-word-1843"


@pytest.mark.parametrize(
    ("user", "password"), [(USER, PASSWORD), ("anybody", KEY)], ids=["user", "key"]
)
def test_a_browser_is_asked_and_let_in_with_a_user_or_a_key(
    start_service: StartService, dashboard: Open, user: str, password: str
) -> None:
    service = start_service(api_keys=KEY, basic_auth=f"{USER}:{PASSWORD}")
    page = dashboard(service, http_credentials={"username": user, "password": password})
    page.ask(SAMPLE)
    expect(page.page.locator(".verdict")).to_contain_text("positive")
    expect(page.page.locator("#posts li")).to_have_count(1)


def test_without_credentials_there_is_no_page(
    start_service: StartService, browser: Browser
) -> None:
    service = start_service(api_keys=KEY)
    refused = pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS")
    with opened(browser, service) as dashboard, refused:
        dashboard.page.goto(service.url)
    answer = service.client.get("/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
