"""The dashboard's files over plain HTTP."""

import re
from html.parser import HTMLParser

import httpx
import pytest
from processes import Service, StartService, eventually

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
IMPORT = re.compile(r'^import .*"\./([a-z]+\.js)";$', re.MULTILINE)


class Parts(HTMLParser):
    """What a page refers to, and what a strict policy forbids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.preloaded: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if address := given.get("src") or (tag == "link" and given["href"]):
            self.files.append(str(address))
        if given.get("rel") == "modulepreload":
            self.preloaded.add(given["href"].rpartition("/")[2])
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] * (tag == "style" or (tag == "script" and "src" not in given))


@pytest.fixture(scope="module")
def page(service: Service) -> httpx.Response:
    return service.client.get("/")


def test_the_page_is_html_under_a_strict_policy(page: httpx.Response) -> None:
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_in_it_is_inline_and_nothing_is_from_elsewhere(
    service: Service, page: httpx.Response
) -> None:
    parts = Parts(page.text)
    assert parts.inline == []
    assert len(parts.files) >= 5
    for name in parts.files:
        assert not re.match(r"/|\w+:", name), name  # right behind a proxy too, whatever its path
        answer = service.client.get(f"/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_every_script_is_told_of_beforehand_so_that_all_are_fetched_at_once(
    service: Service, page: httpx.Response
) -> None:
    preloaded = Parts(page.text).preloaded
    found, waiting = set(), {"main.js"}
    while waiting:
        found |= waiting
        texts = [service.client.get(f"/static/{name}").text for name in waiting]
        waiting = {name for text in texts for name in IMPORT.findall(text)} - found
    assert preloaded == found - {"main.js"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/main.js", "text/javascript; charset=utf-8"),
        ("/static/page.css", "text/css; charset=utf-8"),
        ("/static/figures.css", "text/css; charset=utf-8"),
        ("/static/favicon.svg", "image/svg+xml"),
        ("/figures/authors.svg", "image/svg+xml"),
        ("/figures/timeline.svg", "image/svg+xml"),
        ("/figures/drift.svg", "image/svg+xml"),
        ("/figures/hashtags/nothing.svg", "image/svg+xml"),
        ("/figures/authors.json", "application/json"),
    ],
)
def test_a_file_is_asked_for_again_but_sent_only_when_it_changed(
    service: Service, path: str, kind: str
) -> None:
    first = service.client.get(path)
    assert first.status_code == 200
    assert first.headers["Content-Type"] == kind
    assert first.headers["Content-Security-Policy"] == POLICY
    assert first.headers["Cache-Control"] == "no-cache"
    again = service.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    other = service.client.get(path, headers={"If-None-Match": '"another"'})
    assert other.content == first.content


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/activity"])
def test_what_the_page_looks_at_all_the_time_is_sent_only_when_it_changed(
    start_service: StartService, path: str
) -> None:
    """What didn't is logged for whoever wants to debug, and counted as everything else."""
    service = start_service()
    first = service.client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"

    def again() -> httpx.Response:
        return service.client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    def same() -> bool:  # a minute may begin between two looks at the last hour
        nonlocal first
        second = again()
        first = second if second.content else first
        return second.status_code == 304 and second.content == b""

    eventually(same)
    service.client.post("/v1/sentiment", json={"inputs": ["Something new."]})
    eventually(lambda: again().status_code == 200)
    assert again().headers["ETag"] != first.headers["ETag"]
    assert f'route="{path}",status="304"' in service.client.get("/metrics").text
    assert [event for event in service.events() if event.get("status") == 304] == []


@pytest.mark.parametrize("path", ["/", "/static/main.js"])
def test_the_head_of_a_file_is_told_alone(service: Service, path: str) -> None:
    """With the headers of the whole."""
    head, whole = service.client.head(path), service.client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Content-Security-Policy"):
        assert head.headers[name] == whole.headers[name]
    assert service.client.head("/static/nothing.js").status_code == 404


@pytest.mark.parametrize("name", ["nothing.js", "../app.py", "..%2f..%2fapp.py", "", "page.css/"])
def test_there_are_no_other_files(service: Service, name: str) -> None:
    assert service.client.get(f"/static/{name}").status_code == 404


def test_a_figure_stays_what_it_is_whatever_the_hashtag(service: Service) -> None:
    tag = "%3C%2Fsvg%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    answer = service.client.get(f"/figures/hashtags/{tag}.svg", params={"width": 400})
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert service.client.get(f"/figures/hashtags/{tag}.svg?width=9").status_code == 422


@pytest.mark.parametrize("keys", ["", "right"])
def test_the_page_and_its_files_cost_nothing_and_are_never_refused(
    start_service: StartService, keys: str
) -> None:
    """Also of a client whose rate is used up."""
    service = start_service(client_rate="0.01", client_burst="2", api_keys=keys)
    service.client.headers["Authorization"] = f"Bearer {keys or 'none'}"
    paths = ["/", "/static/main.js", "/", "/v1/model", "/v1/model", "/v1/model", "/static/main.js"]
    statuses = [service.client.get(path).status_code for path in [*paths, "/"]]
    assert statuses == [200, 200, 200, 200, 200, 429, 200, 200]


@pytest.mark.parametrize("tag", ["", "%23", "%20"])
def test_a_figure_of_no_hashtag_is_refused(service: Service, tag: str) -> None:
    """In words that say how one is asked for."""
    answer = service.client.get(f"/figures/hashtags/{tag}.svg")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("name a hashtag")


@pytest.mark.parametrize(
    ("query", "status"),
    [("width=240", 200), ("width=1600", 200), ("width=239", 422), ("width=1601", 422),
     ("limit=50", 200), ("limit=51", 422)],
)  # fmt: skip
def test_a_figure_is_as_wide_and_of_as_many_as_documented(
    service: Service, query: str, status: int
) -> None:
    """And no more."""
    assert service.client.get(f"/figures/authors.svg?{query}").status_code == status


def test_nobody_can_guess_keys_at_the_pages_files(start_service: StartService) -> None:
    """Though files cost nothing, wrong credentials do."""
    client = start_service(client_rate="0.01", client_burst="2", api_keys="right").client
    client.headers["Authorization"] = "Bearer wrong"
    assert [client.get("/static/main.js").status_code for _ in range(3)] == [401, 401, 429]
