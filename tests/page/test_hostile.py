"""What posts bring is shown as text, and never runs."""

import pytest
from page.conftest import Open
from page.filling import SCRIPT
from playwright.sync_api import expect
from processes import Service

pytestmark = pytest.mark.xdist_group("page")
TAG = "#</svg><script>alert(5)</script>/%2e%2e"


def test_script_in_posts_names_and_hashtags_is_text(full: Service, dashboard: Open) -> None:
    page = dashboard(full)
    hostile = page.page.locator("#posts li").filter(has_text=SCRIPT).last
    expect(hostile).to_contain_text('@"><svg onload=alert(4)>')
    expect(page.page.locator('a[href^="javascript"]')).to_have_count(0)

    page.ask(f"{SCRIPT} #{SCRIPT}")
    expect(page.page.locator("#result blockquote")).to_have_text(f"{SCRIPT} #{SCRIPT}")

    page.page.locator("#tag").fill(TAG)
    page.page.locator("#tag").press("Enter")
    expect(page.page.locator("#hashtag-figure svg title").first).to_have_text(f"Sentiment of {TAG}")
    expect(page.page.locator("#timeline-of")).to_have_text(f" of {TAG}")
    assert page.page.evaluate("document.scripts.length") == 1
    assert page.page.evaluate("document.querySelectorAll('[onload], [onerror]').length") == 0


def test_script_in_the_pages_own_address_is_a_question(service: Service, dashboard: Open) -> None:
    page = dashboard(service).page
    page.goto(f"{service.url}/#post=%22%3E%3Cscript%3Ealert(6)%3C/script%3E")
    page.reload()
    expect(page.locator("#result > *")).to_have_count(1)
    expect(page.locator("#question")).to_have_value('"><script>alert(6)</script>')
    page.goto(f"{service.url}/#post=%E0%A4")
    page.reload()
    expect(page.locator("#connection")).to_have_text("live")
