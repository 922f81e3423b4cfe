"""What a real service logs, and what it never does: texts, URLs, credentials."""

import json
from pathlib import Path

import pytest
from packages import offer
from processes import StartService, eventually
from redis_server import RedisServer

from sentiserve.models.bundle import MANIFEST

PLAIN = "Grandma's plum cake was a delight"
HOSTILE = '"}\\n{\\"event\\":\\"forged\\"} \x1b[31m %s {0} <script>pw=hunter2</script>'
KEY = "a-key-nobody-may-read"
MARKS = ("plum cake", "forged", "hunter2", "secretly", KEY, "private-status")
TALKATIVE = """
from sentiserve.models.onnx import OnnxModel
from sentiserve.testing.fakes import FakeSource

class Model(OnnxModel):
    def encode(self, texts):
        for text in texts:
            if "fail" in text:
                raise ValueError(f"cannot read {text!r}")
        return super().encode(texts)

class Source(FakeSource):
    def parse(self, url):
        from sentiserve.types import PostRef
        return PostRef("talk", url) if "private-status" in url else None

    async def fetch(self, refs):
        raise LookupError(f"no page at {refs[0].id!r}")

def from_settings(settings):
    return Source({})
"""
OFFERED = """[sentiserve.engines]
talkative = talkative:Model
[sentiserve.sources]
talkative = talkative:from_settings"""


@pytest.fixture
def talkative(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model and a source whose errors repeat what they were given; the model's bundle."""
    offer(tmp_path / "site", "talkative", OFFERED, TALKATIVE, monkeypatch)
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["format"] = "talkative"
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    return bundle


def test_no_text_url_or_credential_is_logged_at_any_level(
    start_service: StartService, talkative: Path
) -> None:
    """Whatever fails with it: the request, the text, the model, the source, the store."""
    with RedisServer() as redis:
        service = start_service(
            "--model", str(talkative), "--store", redis.url, SOURCES="archive,talkative",
            LOG_LEVEL="debug", API_KEYS=KEY,
        )  # fmt: skip
        client = service.client
        client.get("/v1/model", headers={"Authorization": "Bearer secretly"})
        client.headers["Authorization"] = f"Bearer {KEY}"

        def ask() -> None:
            for text in (PLAIN, HOSTILE):
                listed = [text, {"text": text}, {"url": text}, {"other": text}, f"{text} fail"]
                for inputs in (listed, [f"{text} fail alone"], [text * 9000]):
                    client.post("/v1/sentiment", json={"inputs": inputs})
                client.post("/v1/sentiment", json={text: text})
                client.post("/v1/sentiment", content=text)
                client.post("/v1/features", json={"posts": [{"platform": text, "id": text}]})
                for parameter in ("tweetUrl", "unknown"):
                    client.get("/v1/inference", params={parameter: text})
                client.get("/v1/inference", params={"tweetUrl": "https://a/private-status"})
                client.get(f"/v1/authors/x/{PLAIN}")
                client.get("/v1/hashtags/private-status", params={"since": PLAIN})
                client.delete(f"/v1/posts/x/{PLAIN}")
                client.get(
                    f"/{PLAIN}",
                    headers=[(b"X-Request-Id", text.encode()), (b"Cookie", KEY.encode())],
                )

        ask()
        redis.stop()
        ask()
    client.get("/metrics")
    eventually(lambda: any(event.get("route") == "/metrics" for event in service.events()))
    events = {event["event"] for event in service.events()}
    assert {
        "request",
        "model failed",
        "source failed",
        "store failed, going on without it",
    } <= events
    assert not [line for line in service.logs if any(mark in line for mark in MARKS)]


def test_details_are_logged_where_they_are_wanted(
    start_service: StartService, talkative: Path
) -> None:
    service = start_service("--model", str(talkative), LOG_DETAILS="true")
    service.client.post("/v1/sentiment", json={"inputs": [f"{PLAIN} fail"]})
    eventually(lambda: any(PLAIN in event.get("exception", "") for event in service.events()))


def test_every_line_of_a_request_has_its_id(start_service: StartService, talkative: Path) -> None:
    """Those of what fails on the way as well as the last."""
    service = start_service("--model", str(talkative), SOURCES="archive,talkative")
    answer = service.client.get(
        "/v1/inference",
        params={"tweetUrl": "https://a/private-status"},
        headers={"X-Request-Id": "the-one"},
    )
    assert answer.headers["X-Request-Id"] == "the-one"

    def told() -> set[str] | None:
        events = {e["event"] for e in service.events() if e.get("request_id") == "the-one"}
        return events if "request" in events else None

    assert eventually(told) >= {"source failed", "request"}
