"""How the page looks and feels: for everybody, on every screen, with any number of posts."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from page.browser import SAMPLE, Dashboard, opened
from page.conftest import Open
from playwright.sync_api import Browser, FloatRect, Page, Route, expect
from processes import Service

pytestmark = pytest.mark.xdist_group("page")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
LOADING = "loading\N{HORIZONTAL ELLIPSIS}"


def settled(dashboard: Dashboard) -> Page:
    """Wait until every part shows something."""
    page = dashboard.page
    for part in ("authors", "timeline"):
        expect(page.locator(f"#{part} svg").first).to_be_visible()
    expect(page.locator("#drift-told")).not_to_have_text(LOADING)
    expect(page.locator("#posts li, #nothing:visible").first).to_be_visible()
    expect(page.locator("#model")).not_to_have_text("\N{EN DASH}")
    return page


def busied(dashboard: Dashboard) -> Page:
    """With an answer, a hashtag, a table and a choice of labels open."""
    page = settled(dashboard)
    dashboard.ask(SAMPLE)
    page.locator("#result summary").click()
    page.locator("#tag").fill("#coffee")
    page.locator("#tag").press("Enter")
    expect(page.locator("#hashtag-figure svg title").first).to_be_attached()
    page.locator("#authors summary").click()
    page.get_by_text("Feature by feature").click()
    expect(page.locator("#drift svg").first).to_be_visible()
    return page


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["empty", "full"])
def test_axe_finds_no_violation(
    kind: str,
    scheme: str,
    options: dict[str, Any],
    dashboard: Open,
    request: pytest.FixtureRequest,
) -> None:
    service: Service = request.getfixturevalue(kind)
    opened = dashboard(service, color_scheme=scheme, reduced_motion="reduce", **options)
    page = settled(opened) if kind == "empty" else busied(opened)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_telephone_scrolls_in_one_direction_alone(full: Service, dashboard: Open) -> None:
    """The longest words and names included."""
    page = busied(dashboard(full, **PHONE))
    expect(page.locator("#posts li").filter(has_text="w" * 300)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24, button.inner_text()  # WCAG 2.2, 2.5.8


def test_a_wide_screen_is_used(full: Service, dashboard: Open) -> None:
    """The newest posts stand beside the rest there, below it elsewhere."""
    page = settled(dashboard(full, viewport={"width": 1900, "height": 1200}))

    def box(part: str) -> FloatRect:
        found = page.locator(f"section[aria-labelledby={part}-title]").bounding_box()
        assert found is not None
        return found

    ask, posts = box("ask"), box("posts")
    assert posts["x"] > ask["x"] + ask["width"]
    assert posts["y"] == ask["y"]
    assert posts["x"] + posts["width"] - ask["x"] > 1900 * 0.9
    page.set_viewport_size({"width": 1180, "height": 1200})
    ask, posts = box("ask"), box("posts")
    assert posts["x"] == ask["x"]
    assert posts["y"] > box("drift")["y"]


def test_everything_is_reached_and_seen_by_keyboard(full: Service, dashboard: Open) -> None:
    page = settled(dashboard(full))
    press = page.keyboard.press
    press("Tab")
    expect(page.get_by_text("Skip to the question")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("What a lovely day!")
    press("Enter")
    expect(page.locator(".verdict")).to_contain_text("positive")
    expect(page.locator("#question")).to_be_focused()

    reached: list[str] = []
    while not reached or reached[-1] != "tag":
        press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
        assert len(reached) < 30, reached
    assert reached[0] == "Ask"
    assert reached[1:4] == ["a sample post", "a text", "Is it right?"]
    page.keyboard.type("#python")
    press("Enter")
    expect(page.locator("#hashtag-figure svg title").first).to_have_text("Sentiment of #python")


def test_answers_are_announced(service: Service, dashboard: Open) -> None:
    page = dashboard(service).page
    expect(page.locator("#result")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()


def test_a_label_is_a_word_and_a_mark_before_it_is_a_colour(
    service: Service, dashboard: Open
) -> None:
    page = dashboard(service, forced_colors="active")
    page.ask(SAMPLE)
    expect(page.page.locator(".verdict")).to_have_text("▲positive")
    marks = page.page.locator("#result .scores .mark").all_inner_texts()
    assert len(set(marks)) == 3


def test_a_latency_beyond_the_last_bucket_is_told_as_that(
    service: Service, dashboard: Open
) -> None:
    """Never as none."""
    page = dashboard(service).page

    def slow(route: Route) -> None:
        told = route.fetch().json()
        route.fulfill(json=told | {"medianMilliseconds": 1234.5, "p99Milliseconds": 10_000.0})

    page.route("**/v1/activity", slow)
    expect(page.locator("#p99")).to_have_text("over 10 s")
    expect(page.locator("#median")).to_have_text("1,235 ms")
    page.unroute_all(behavior="wait")


def test_parts_say_that_they_load_until_they_are_there(service: Service, browser: Browser) -> None:
    """The authors and the drift, held back here for as long as the test looks."""
    with opened(browser, service) as dashboard:
        page, held = dashboard.page, list[Route]()
        page.route(re.compile("/figures/(authors|drift)"), lambda route: held.append(route))
        dashboard.open()
        picture = page.locator("#authors .picture")
        expect(picture).to_have_text(LOADING)
        expect(picture).to_have_attribute("aria-busy", "true")
        expect(page.locator("#drift-told")).to_have_text(LOADING)
        for route in held:
            route.continue_()
        page.unroute_all()
        expect(page.locator("#authors svg").first).to_be_visible()
        expect(picture).not_to_have_attribute("aria-busy", "true")
        expect(page.locator("#drift-told")).not_to_have_text(LOADING)


def test_the_dark_is_dark(service: Service, dashboard: Open) -> None:
    light, dark = (
        dashboard(service, color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        for scheme in ("light", "dark")
    )
    assert min(light) > 200
    assert max(dark) < 40


def test_nothing_moves_for_whoever_wants_that(service: Service, dashboard: Open) -> None:
    moving, still = (
        dashboard(service, reduced_motion=motion) for motion in ("no-preference", "reduce")
    )
    durations = []
    for page in (moving, still):
        page.ask(SAMPLE)
        bar = page.page.locator("#result .bar").first
        durations.append(bar.evaluate("bar => getComputedStyle(bar).transitionDuration"))
    assert durations == ["0.3s", "0s"]


@pytest.mark.parametrize(("kind", "posts"), [("empty", 0), ("full", 10)])
def test_the_page_with_no_posts_and_with_a_hundred_thousand(
    kind: str, posts: int, dashboard: Open, request: pytest.FixtureRequest
) -> None:
    page = settled(dashboard(request.getfixturevalue(kind))).locator("#posts li")
    expect(page).to_have_count(posts)


def test_a_load_asks_for_few_and_small_things(service: Service, dashboard: Open) -> None:
    """What a busy machine can't change of how soon the page is there."""
    opened = dashboard(service)
    settled(opened)
    sizes = opened.page.evaluate(
        "performance.getEntriesByType('resource').filter(({name}) => name.includes('/static/'))"
        ".map(({decodedBodySize}) => decodedBodySize)"
    )
    assert len(sizes) <= 20
    assert sum(sizes) < 60_000
    assert opened.page.evaluate("performance.getEntriesByName('interactive').length") == 1
