"""What callers see of the sources: whose texts, and when to come again."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packages import offer_source
from processes import PATIENCE, Service, StartService, eventually

from sentiserve.testing.oembed_server import OEmbedServer
from sentiserve.testing.server import Fault, in_order
from sentiserve.testing.x_answers import id_at
from sentiserve.types import Post, PostRef

USED_UP = """
from sentiserve.errors import QuotaExhaustedError
from sentiserve.sources.urls import parse_url
from sentiserve.testing.fakes import FakeSource


class UsedUp(FakeSource):
    def parse(self, url):
        return parse_url(url)


def from_settings(settings):
    source = UsedUp({})
    source.error = QuotaExhaustedError("the library wants to be asked less often", 77)
    return source
"""


@pytest.fixture
def discreet(start_service: StartService) -> Service:
    """A service that returns the caller's own texts only."""
    return start_service(return_text="own")


def test_a_sources_text_is_left_out_of_every_answer_where_only_own_ones_are_returned(
    discreet: Service, sample: list[dict[str, str]]
) -> None:
    row = sample[0]
    for cached in (False, True):
        response = discreet.client.get("/v1/inference", params={"tweetUrl": row["url"]})
        assert response.json()["cached"] is cached
        assert response.json()["textInput"] is None
        assert response.json()["scores"]
        assert response.json()["post"]["id"] == row["id"]
        assert row["text"] not in response.text

    features = {
        "features": ["post_sentiment", "author_sentiment"],
        "entities": [{"platform": "x", "id": row["id"], "author": row["author_id"]}],
    }
    others = [
        discreet.client.post("/v1/sentiment", json={"inputs": [{"url": row["url"]}]}),
        discreet.client.post("/v1/features", json=features),
        *(discreet.client.get(f"/v1/{path}") for path in ("authors", "hashtags")),
    ]
    for response in others:
        assert response.status_code == 200, response.text
        assert row["text"][:20] not in response.text


def test_the_callers_own_text_comes_back_even_if_a_source_has_one_alike(
    discreet: Service, sample: list[dict[str, str]]
) -> None:
    inputs = [{"url": sample[0]["url"]}, {"text": sample[0]["text"]}, "mine"]
    results = discreet.client.post("/v1/sentiment", json={"inputs": inputs}).json()["results"]
    assert [result["textInput"] for result in results] == [None, sample[0]["text"], "mine"]
    assert [result["post"]["platform"] for result in results] == ["x", "text", "text"]
    assert Post.of_text(sample[0]["text"]).ref.platform == "text"


def test_a_used_up_quota_is_a_503_that_says_when_to_come_again(
    start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_source(tmp_path / "site", "library", USED_UP, monkeypatch)
    service = start_service(sources="archive,library")
    response = service.client.get("/v1/inference", params={"tweetUrl": "https://x.com/a/status/1"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "77"
    assert "less often" in response.json()["detail"]
    assert response.json()["retryAfter"] == 77
    inputs = ["Fine.", "", {"url": "https://x.com/a/status/1"}]
    results = service.client.post("/v1/sentiment", json={"inputs": inputs}).json()["results"]
    assert [result.get("retryAfter") for result in results] == [None, None, 77]
    assert "retryAfter" not in results[1]
    metrics = service.client.get("/metrics").text
    failed = 'sentiserve_source_errors_total{error="QuotaExhaustedError",source="library"} 2.0'
    assert failed in metrics


def test_what_is_gone_stays_gone_for_a_while_and_what_failed_does_not(
    start_service: StartService,
) -> None:
    now = datetime.now(UTC)
    deleted, hidden, late = (id_at(now - timedelta(days=days)) for days in (3, 2, 1))
    with OEmbedServer() as server:
        server.protected.add(hidden)
        service = start_service(sources="oembed", oembed_url=server.url, source_timeout="5")

        def status(post_id: str) -> int:
            url = {"tweetUrl": f"https://x.com/ann/status/{post_id}"}
            return service.client.get("/v1/inference", params=url).status_code

        for _ in range(2):
            assert (status(deleted), status(hidden)) == (410, 403)
        assert len(server.requests) == 2
        server.posts[late] = Post(PostRef("x", late), "A lovely day", author_handle="ann")
        for fault, meant in ((Fault.FAILED, 502), (Fault.LIMITED, 503)):
            server.faults = in_order([fault] * 100)
            assert status(late) in {meant, 504}  # where the last try takes too long
        server.faults = in_order([])
        eventually(lambda: status(late) == 200, PATIENCE)  # it rests as long as it was told


def test_without_a_way_to_x_its_new_posts_are_a_502_at_once_and_the_rest_goes_on(
    start_service: StartService, sample: list[dict[str, str]]
) -> None:
    service = start_service(
        sources="archive,oembed,bluesky,mastodon",
        oembed_url="http://127.0.0.1:1",
        source_timeout="100",
    )
    started = time.monotonic()
    unknown = {"tweetUrl": "https://x.com/a/status/2099731674562279188"}
    response = service.client.get("/v1/inference", params=unknown)
    assert time.monotonic() - started < 50
    assert response.status_code == 502
    assert "oEmbed" in response.json()["detail"]
    assert "reached" in response.json()["detail"]
    known = service.client.get("/v1/inference", params={"tweetUrl": sample[0]["url"]})
    assert known.status_code == 200
