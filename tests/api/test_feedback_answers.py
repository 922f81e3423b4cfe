"""The newest posts, sentiment over time, and true labels over HTTP."""

import json
from datetime import datetime
from typing import Any

import pytest
from processes import Service, StartService, eventually

Posts = list[dict[str, str]]
LABELS = ("negative", "neutral", "positive")


@pytest.fixture(scope="module")
def asked(service: Service, sample: Posts) -> list[dict[str, Any]]:
    body = {"inputs": [{"url": post["url"]} for post in sample[:5]] + ["What a lovely day"]}
    results: list[dict[str, Any]]
    results = service.client.post("/v1/sentiment", json=body).json()["results"]
    return results


def give(service: Service, *items: object) -> list[dict[str, Any]]:
    response = service.client.post("/v1/feedback", json={"items": items})
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def recorded(service: Service) -> bool:
    return "sentiserve_queued_records 0.0" in service.client.get("/metrics").text.splitlines()


def test_the_newest_posts_are_told(
    service: Service, asked: list[dict[str, Any]], sample: Posts
) -> None:
    """Each as it was answered, with when it was predicted, newest first."""
    eventually(lambda: recorded(service))
    posts = service.client.get("/v1/posts", params={"limit": 1000}).json()["posts"]
    told = {(post["post"]["platform"], post["post"]["id"]): post for post in posts}
    for result in asked:
        post = told[result["post"]["platform"], result["post"]["id"]]
        assert {**post, "predictedAt": None} == result | {"cached": True, "predictedAt": None}
    times = [datetime.fromisoformat(post["predictedAt"]) for post in posts]
    assert times == sorted(times, reverse=True)
    assert service.client.get("/v1/posts", params={"limit": 2}).json()["posts"] == posts[:2]


def test_a_timeline_counts_by_day_and_hour(
    service: Service, asked: list[dict[str, Any]], sample: Posts
) -> None:
    """Every label of every day, or since a time."""
    eventually(lambda: recorded(service))
    days = service.client.get("/v1/timeline").json()
    assert days["step"] == "day"
    starts = [datetime.fromisoformat(stretch["start"]) for stretch in days["stretches"]]
    assert starts == sorted(starts)
    for stretch in days["stretches"]:
        assert tuple(stretch["counts"]) == LABELS
        assert sum(stretch["counts"].values()) == stretch["posts"] > 0
    params = {"step": "hour", "since": "1990-01-01"}
    hours = service.client.get("/v1/timeline", params=params).json()["stretches"]
    assert sum(s["posts"] for s in hours) == sum(s["posts"] for s in days["stretches"])
    assert service.client.get("/v1/timeline", params={"hashtag": "nothing"}).json() == {
        "step": "day",
        "stretches": [],
    }


def test_a_true_label_says_what_was_predicted(
    service: Service, asked: list[dict[str, Any]], sample: Posts
) -> None:
    """By URL, by text, or by platform and id: at once, whether it is in the store yet or not."""
    first, *_, text = asked
    predicted = first["sentimentAnalyst"]
    other = next(label for label in LABELS if label != predicted)
    items = (
        {"url": sample[0]["url"], "label": predicted},
        {"platform": "x", "id": sample[0]["id"], "label": other},
        {"text": "What a lovely day", "label": text["sentimentAnalyst"]},
    )
    results = give(service, *items)
    assert [result["right"] for result in results] == [True, False, True]
    assert [result["predicted"] for result in results[:2]] == [predicted] * 2
    assert results[1]["label"] == other
    assert results[0]["post"] == first["post"]
    assert results[0]["model"] == first["model"]
    fresh = "nobody has asked about this before"
    service.client.post("/v1/sentiment", json={"inputs": [fresh]})
    assert give(service, {"text": fresh, "label": "neutral"})[0]["label"] == "neutral"


BAD: list[tuple[str, object, int, str]] = [
    (
        "a label that the model lacks",
        {"text": "What a lovely day", "label": "spam"},
        422,
        "neutral",
    ),
    ("a post that nobody asked about", {"text": "never asked", "label": "neutral"}, 404, "nothing"),
    ("a URL of no known form", {"url": "https://t.co/abc", "label": "neutral"}, 422, "URL"),
    ("no label", {"text": "What a lovely day"}, 422, "label"),
    ("no post", {"label": "neutral"}, 422, "an item is"),
    ("another name", {"text": "a", "label": "neutral", "by": "me"}, 422, "an item is"),
    ("an empty id", {"platform": "x", "id": "", "label": "neutral"}, 422, "empty"),
    ("half a character", {"platform": "x", "id": "\ud83d", "label": "neutral"}, 422, "Unicode"),
    ("a number", 7, 422, "an item is"),
]


@pytest.mark.parametrize(
    ("item", "status", "detail"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_a_bad_item_fails_alone(
    service: Service, asked: list[dict[str, Any]], item: object, status: int, detail: str
) -> None:
    """Its neighbour is judged, and the problem says what to do."""
    good = {"text": "What a lovely day", "label": "positive"}
    response = service.client.post(
        "/v1/feedback",
        content=json.dumps({"items": [item, good]}),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 200, response.text
    problem, judged = response.json()["results"]
    assert problem["status"] == status
    assert detail in problem["detail"]
    assert judged["label"] == "positive"


def test_too_many_items_are_refused(service: Service) -> None:
    """As a whole, before anything is kept."""
    items = [{"text": "a", "label": "neutral"}] * 257
    assert service.client.post("/v1/feedback", json={"items": items}).status_code == 422


def test_each_item_counts_as_a_request(start_service: StartService) -> None:
    """Whoever sends many waits longer afterwards."""
    service = start_service(client_rate="0.01", client_burst="10")
    items = [{"text": "a", "label": "neutral"}] * 30
    assert service.client.post("/v1/feedback", json={"items": items}).status_code == 200
    assert service.client.post("/v1/feedback", json={"items": []}).status_code == 429
