"""Health, metrics and the documentation's page."""

import contextlib
import re
import resource
import socket
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from processes import Service, StartService, eventually
from prometheus_client.parser import text_string_to_metric_families
from redis_server import RedisServer


def test_a_running_service_is_live_and_ready(service: Service) -> None:
    assert service.client.get("/health/live").json() == {"status": "live", "dependencies": {}}
    assert service.client.get("/health/ready").json() == {
        "status": "ready",
        "dependencies": {"model": "ok", "store": "ok"},
    }


def test_readiness_does_not_wait_for_a_store_that_hangs(start_service: StartService) -> None:
    with RedisServer() as redis:
        service = start_service("--store", redis.url)
        with redis.frozen():
            response = service.client.get("/health/ready", timeout=3)  # Redis itself gets 4 s
        assert response.status_code == 200
        assert response.json()["dependencies"]["store"] == "failing"
        eventually(lambda: any("no answer" in event.get("store", "") for event in service.events()))


def test_what_fails_is_told_to_the_log_and_not_to_strangers(start_service: StartService) -> None:
    """No path, host or port leaves the service; the log has the reason under the request's id."""
    with RedisServer() as redis:
        service = start_service("--store", redis.url)
        place = f"127.0.0.1:{redis.port}"
        redis.stop()
        ready = service.client.get("/health/ready")
        authors = service.client.get("/v1/authors")
    assert ready.json()["dependencies"] == {"model": "ok", "store": "failing"}
    assert authors.status_code == 503
    assert authors.headers["Retry-After"]
    assert place not in ready.text + authors.text
    (logged,) = eventually(lambda: [e for e in service.events() if e["event"] == "refused"])
    assert logged["request_id"] == authors.headers["X-Request-Id"]
    assert place in logged["reason"]


def test_a_journal_that_cannot_be_written_is_not_shown_to_callers(
    start_service: StartService, tmp_path: Path
) -> None:
    """Neither in a problem of one's own nor in those of a batch, and the log names it once."""
    service = start_service(HISTORY=str(tmp_path / "history"), DRAIN_TIMEOUT="0.5")
    service.client.post("/v1/sentiment", json={"inputs": ["Before it fails."]})
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (1, 1))  # as a disk that is full
    response = service.client.post("/v1/sentiment", json={"inputs": ["One.", "Two.", "Three."]})
    results = response.json()["results"]
    assert [result["status"] for result in results] == [503] * 3
    assert str(tmp_path) not in response.text
    (logged,) = eventually(lambda: [e for e in service.events() if e["event"] == "refused"])
    assert str(tmp_path) in logged["reason"]


def counted(service: Service, name: str, **labels: str) -> float:
    response = service.client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return sum(
        sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    )


def test_metrics_count_requests_and_predictions(service: Service) -> None:
    def counts() -> list[float]:
        return [
            counted(service, "sentiserve_requests_total", route="/v1/sentiment", status="200"),
            counted(service, "sentiserve_requests_total", route="unmatched", status="404"),
            counted(service, "sentiserve_predictions_total", outcome="miss"),
            counted(service, "sentiserve_predictions_total", outcome="hit"),
        ]

    before = counts()
    for _ in range(2):
        service.client.post("/v1/sentiment", json={"inputs": ["Counted once, found once."]})
    service.client.get("/no/such/path")

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1, 1, 1]


def test_paths_that_callers_invent_do_not_become_series(service: Service) -> None:
    service.client.get("/invented/path")
    service.client.request("INVENTED", "/v1/model")
    assert "nvented" not in service.client.get("/metrics").text.lower()


class Links(HTMLParser):
    """Every src and href of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_documentation_page_needs_nothing_from_elsewhere(service: Service) -> None:
    page = service.client.get("/docs").text
    links = Links()
    links.feed(page)
    assert len(links.found) >= 3
    for link in links.found:
        response = service.client.get(urljoin("/docs", link))
        assert str(response.url).startswith(service.url)
        assert response.status_code == 200, link
        assert response.content
    assert set(re.findall(r"https?://[^/\"']+", page)) <= {service.url}
    assert service.client.get("/openapi.json").json()["info"]["title"] == "sentiserve"


def test_the_documentation_page_works_behind_a_proxy_with_tls(service: Service) -> None:
    """Its links have no scheme and host of their own, for the proxy has another."""
    page = service.client.get("/docs", headers={"Host": "sentiment.example"}).text
    links = Links()
    links.feed(page)
    assert not [link for link in links.found if "//" in link]


def test_the_front_page_leads_somewhere(service: Service) -> None:
    answer = service.client.get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert str(answer.url).startswith(service.url)


def test_probes_may_ask_for_the_head_only(service: Service) -> None:
    for path in ("/health/live", "/health/ready"):
        assert service.client.head(path).status_code == 200


def test_a_head_without_end_is_cut_off(service: Service) -> None:
    """The server gives up long before the memory does."""
    address = urlsplit(service.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=60) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                client.sendall(b"x: " + b"y" * 10_000 + b"\r\n")
            pytest.fail("ten megabytes of headers were taken")
    assert service.client.get("/health/live").status_code == 200


def test_a_path_with_a_slash_too_many_is_unknown_and_not_redirected(service: Service) -> None:
    response = service.client.get("/v1/model/", headers={"Host": "evil.example"})
    assert response.status_code == 404
    assert "location" not in response.headers
