"""Online features, over posts that the service has seen."""

from datetime import datetime
from typing import Any

import pytest
from processes import Service, StartService, eventually

Posts = list[dict[str, str]]


@pytest.fixture(scope="module", autouse=True)
def _seen(service: Service, sample: Posts) -> None:
    body = {"inputs": [{"url": post["url"]} for post in sample]}
    service.client.post("/v1/sentiment", json=body)
    eventually(
        lambda: "sentiserve_queued_records 0.0" in service.client.get("/metrics").text.splitlines()
    )


def ask(service: Service, features: list[str], *entities: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"features": features, "entities": list(entities)}
    response = service.client.post("/v1/features", json=body)
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_a_posts_features_are_what_inference_says(service: Service, sample: Posts) -> None:
    url = sample[0]["url"]
    answer = service.client.get("/v1/inference", params={"tweetUrl": url}).json()
    post = {"platform": answer["post"]["platform"], "id": answer["post"]["id"]}
    (vector,) = ask(service, ["post_sentiment"], post)
    scores = {f"post_sentiment__score_{label}": s for label, s in answer["scores"].items()}
    assert vector["values"] == {"post_sentiment__label": answer["sentimentAnalyst"], **scores}
    assert vector["statuses"] == {"post_sentiment": "PRESENT"}
    assert datetime.fromisoformat(vector["eventTimestamps"]["post_sentiment"]).tzinfo


def test_rows_come_back_in_order_known_or_not(service: Service, sample: Posts) -> None:
    known = {"platform": "x", "author": sample[0]["author_id"], "hashtag": "#nothing"}
    unknown = {"platform": "x", "author": None, "hashtag": "nothing"}
    features = ["author_sentiment:posts_30d", "hashtag_sentiment:mean_neutral_1d"]
    for vector in ask(service, features, known, unknown, known)[1::2]:
        assert vector["statuses"] == dict.fromkeys(
            ["author_sentiment", "hashtag_sentiment"], "NOT_FOUND"
        )
        assert vector["values"]["author_sentiment__posts_30d"] == 0
        assert vector["values"]["hashtag_sentiment__mean_neutral_1d"] is None
        assert vector["eventTimestamps"]["author_sentiment"] is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"features": ["nothing"], "entities": []}, "post_sentiment, author_sentiment"),
        ({"features": [], "entities": []}, "name the features"),
        ({"features": ["post_sentiment"], "entities": [{"id": "1"}]}, "platform is missing"),
        ({"features": ["post_sentiment"], "entities": [{}] * 257}, "256"),
        ({"features": ["post_sentiment"], "entities": [{"id": 1}]}, "string"),
        ({"features": ["post_sentiment"], "entities": [{"id": "1" * 301}]}, "300"),
        ({"features": ["post_sentiment"]}, "entities"),
    ],
)
def test_a_bad_question_says_what_to_do(service: Service, body: dict[str, Any], told: str) -> None:
    response = service.client.post("/v1/features", json=body)
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert told in response.json()["detail"]


def test_a_store_that_takes_too_long_is_a_503(start_service: StartService) -> None:
    service = start_service(STORE_TIMEOUT="0.000001")
    body = {"features": ["hashtag_sentiment"], "entities": [{"hashtag": "sun"}]}
    for response in (
        service.client.post("/v1/features", json=body),
        service.client.get("/v1/authors"),
        service.client.get("/v1/hashtags/sun"),
    ):
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert "SENTISERVE_STORE_TIMEOUT" in response.json()["detail"]
