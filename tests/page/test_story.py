"""The README's story by clicks, in a real browser."""

import re

import pytest
from page.browser import SAMPLE
from page.conftest import Open
from playwright.sync_api import expect
from processes import Service, StartService

pytestmark = pytest.mark.xdist_group("page")


def test_a_pasted_post_is_new_then_remembered_also_after_a_reload(
    empty: Service, dashboard: Open
) -> None:
    page = dashboard(empty)
    result = page.page.locator("#result")
    page.ask(SAMPLE)
    expect(result.locator(".verdict")).to_contain_text("positive")
    expect(result.locator("blockquote")).to_contain_text("smells like caramel")
    expect(result).to_contain_text("@roastery_ines_samples")
    expect(result.locator(".cached")).to_have_text("new")
    for part in ("store", "source", "queue", "model", "total"):
        expect(result.get_by_label("Where the time went")).to_contain_text(
            re.compile(rf"{part} \d+\.\d ms")
        )

    page.ask(SAMPLE)
    expect(result.locator(".cached")).to_have_text("cached")

    page.page.reload()
    expect(result.locator(".cached")).to_have_text("cached")
    expect(page.page.get_by_label("A post's address, or a text")).to_have_value(SAMPLE)


def test_an_answer_shows_among_the_figures_without_a_reload(
    empty: Service, dashboard: Open
) -> None:
    page = dashboard(empty).page
    expect(page.locator("#nothing")).to_contain_text("the service's SENTISERVE_STORE and XDG_DATA")
    expect(page.locator("#answered")).to_have_text("0")
    expect(page.get_by_role("region", name="The last hour")).to_contain_text("since its start")
    page.locator("#nothing").get_by_role("button", name="a sample post").click()
    expect(page.locator("#answered")).to_have_text("1")
    expect(page.locator("#posts li")).to_have_count(1)
    expect(page.locator("#posts li")).to_contain_text("smells like caramel")
    expect(page.locator("#nothing")).to_be_hidden()
    expect(page.locator("#authors")).to_contain_text("roastery_ines_samples")


def test_a_text_is_answered_and_a_problem_says_what_to_do(
    service: Service, dashboard: Open
) -> None:
    page = dashboard(service)
    page.ask("Forty minutes on the platform and still no train. Again.")
    expect(page.page.locator(".verdict")).to_contain_text("negative")
    page.ask("https://x.com/nobody_at_all/status/1234567890123456789")
    expect(page.page.locator("#result")).to_contain_text("paste the post's text instead")
    page.ask("https://example.com/no/post")
    expect(page.page.locator("#result")).to_contain_text("Paste the address of one post")
    page.ask("w" * 100_001)
    expect(page.page.locator("#result")).to_contain_text("100,000 are the most")
    expect(page.page.locator("#result")).to_contain_text("Shorten or change the text")
    page.ask(" ")
    expect(page.page.locator("#result")).to_have_text(re.compile("^Nothing was asked"))


def test_a_hashtag_is_chosen_typed_and_left(full: Service, dashboard: Open) -> None:
    """Before and after it is the most used one, and no other part is of it alone."""
    page = dashboard(full).page
    (most,) = full.client.get("/v1/hashtags", params={"limit": 1}).json()["hashtags"]
    of_most = f"Sentiment of #{most['hashtag']}"
    expect(page.locator("#hashtag-figure svg title").first).to_have_text(of_most)
    heading = page.locator("#hashtag-title")
    expect(heading).to_have_text(f"A hashtag: #{most['hashtag']}, the most used")
    expect(page.locator("#popular [aria-pressed=true]")).to_have_count(0)
    page.get_by_role("button", name="#coffee").click()
    expect(heading).to_have_text("A hashtag: #coffee")
    expect(page.locator("#hashtag-figure svg title").first).to_have_text("Sentiment of #coffee")
    expect(page.locator("#timeline svg title").first).to_contain_text("#coffee")

    page.locator("#tag").fill("#BITCOIN")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#hashtag-figure svg title").first).to_contain_text("#BITCOIN")
    expect(page.get_by_role("button", name="#bitcoin")).to_have_attribute("aria-pressed", "true")
    page.locator("#hashtag-figure").get_by_text("As a table").click()
    expect(page.locator("#hashtag-figure tbody tr")).to_have_count(3)

    page.get_by_role("button", name="#bitcoin").click()
    expect(page.locator("#hashtag-figure svg title").first).to_have_text(of_most)
    expect(page.locator("#timeline svg title").first).not_to_contain_text("#")


def test_where_no_post_has_a_hashtag_the_page_says_so(empty: Service, dashboard: Open) -> None:
    page = dashboard(empty).page
    expect(page.locator("#hashtag-figure")).to_contain_text("No post has one yet. Type any.")


def test_texts_that_may_not_be_shown_are_not(start_service: StartService, dashboard: Open) -> None:
    page = dashboard(start_service(return_text="own"))
    page.ask(SAMPLE)
    expect(page.page.locator("#result blockquote")).to_contain_text("may not be shown")
    expect(page.page.locator("#posts li")).to_contain_text("may not be shown")
    expect(page.page.locator("body")).not_to_contain_text("smells like caramel")


def test_the_true_label_can_be_told(empty: Service, dashboard: Open) -> None:
    page = dashboard(empty)
    page.ask(SAMPLE)
    result = page.page.locator("#result")
    result.get_by_text("Is it right?").click()
    result.get_by_role("button", name="neutral").click()
    expect(result.locator(".choice")).to_contain_text("Kept: neutral.")


def test_what_did_not_change_is_neither_drawn_again_nor_loses_focus(
    full: Service, dashboard: Open
) -> None:
    opened = dashboard(full)
    page = opened.page
    expect(page.locator("#authors svg")).to_be_visible()
    page.locator("#posts summary").last.focus()
    kept = [page.locator(each).first.element_handle() for each in ("#authors svg", "#posts li")]
    with page.expect_response(lambda response: "figures/authors" in response.url):
        page.evaluate("import('./static/poll.js').then(({ tell }) => tell('stored'))")
    opened.looked_again("v1/activity")  # so that it has had the time to draw
    assert all(handle.evaluate("node => node.isConnected") for handle in kept)
    expect(page.locator("#posts summary").last).to_be_focused()
