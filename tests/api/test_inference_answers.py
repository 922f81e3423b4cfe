"""What the inference routes answer, name by name."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from processes import Service

from sentiserve.models.bundle import default_bundle, open_bundle

NAMES = {"sentimentAnalyst", "textInput", "scores", "model", "cached", "truncated", "post"}
MODEL = open_bundle(default_bundle()).manifest.info


def check_sentiment(answer: dict[str, Any]) -> None:
    assert set(answer) == NAMES
    assert set(answer["scores"]) == set(MODEL.labels)
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["sentimentAnalyst"] == max(answer["scores"], key=answer["scores"].__getitem__)
    assert answer["model"] == MODEL.id
    assert isinstance(answer["cached"], bool)
    assert answer["truncated"] is False


def test_a_post_comes_with_its_sentiment_and_where_it_is_from(
    service: Service, sample: list[dict[str, str]]
) -> None:
    for platform in ("x", "bluesky", "mastodon"):
        post = next(row for row in sample if row["platform"] == platform)

        response = service.client.get("/v1/inference", params={"tweetUrl": post["url"]})

        assert response.headers["Content-Type"] == "application/json"
        answer = response.json()
        check_sentiment(answer)
        assert answer["textInput"] == post["text"]
        said = answer["post"]
        assert datetime.fromisoformat(said.pop("createdAt")) == datetime.fromisoformat(
            post["created_at"]
        )
        assert said == {
            "platform": platform,
            "id": post["id"],
            "url": post["url"],
            "authorId": post["author_id"],
            "authorHandle": post["author_handle"],
        }


def test_a_text_comes_with_its_sentiment_and_the_id_it_is_kept_under(service: Service) -> None:
    response = service.client.post("/v1/sentiment", json={"inputs": ["a #text", {"text": "b"}]})

    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == {"results"}
    for answer, text in zip(response.json()["results"], ("a #text", "b"), strict=True):
        check_sentiment(answer)
        assert answer["textInput"] == text
        assert answer["post"]["id"] == sha256(text.encode()).hexdigest()[:32]
        assert answer["post"]["platform"] == "text"


def test_the_model_says_what_it_is_and_what_the_service_accepts(service: Service) -> None:
    answer = service.client.get("/v1/model").json()
    assert answer == {
        "name": MODEL.name,
        "revision": MODEL.revision,
        "id": MODEL.id,
        "labels": list(MODEL.labels),
        "format": MODEL.format,
        "preprocessing": MODEL.preprocessing,
        "temperature": MODEL.temperature,
        "licence": MODEL.licence,
        "quality": dict(MODEL.quality),
        "limits": {
            "maxTokens": MODEL.max_tokens,
            "maxCharacters": 100_000,
            "maxInputs": 256,
            "maxBody": 4 << 20,
        },
    }


@pytest.mark.parametrize(
    "text",
    [
        "😀😃",
        "مرحبا بالعالم",
        "日本語のテキスト",
        "e\u0301" * 40,
        "\u202eabc",
        "<script>",
        "' OR 1=1 --",
    ],
)
def test_any_text_comes_back_as_it_was_sent(service: Service, text: str) -> None:
    answer = service.client.post("/v1/sentiment", json={"inputs": [text]}).json()["results"][0]
    assert answer["textInput"] == text
