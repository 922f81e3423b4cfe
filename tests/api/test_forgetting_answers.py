"""Forgetting over HTTP: a service of its own for each test, for others remember."""

from typing import Any
from urllib.parse import quote

import pytest
from processes import Service, StartService, eventually

Posts = list[dict[str, str]]


@pytest.fixture
def filled(start_service: StartService, sample: Posts) -> Service:
    service = start_service()
    body = {"inputs": [{"url": post["url"]} for post in sample]}
    assert service.client.post("/v1/sentiment", json=body).status_code == 200
    eventually(
        lambda: "sentiserve_queued_records 0.0" in service.client.get("/metrics").text.splitlines()
    )
    return service


def forget(service: Service, path: str, **params: str) -> dict[str, Any]:
    response = service.client.delete(f"/v1/{path}", params=params)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def remembered(service: Service, posts: Posts) -> list[bool]:
    body = {"inputs": [{"url": post["url"]} for post in posts]}
    results = service.client.post("/v1/sentiment", json=body).json()["results"]
    return [result["cached"] for result in results]


def test_a_post_an_author_and_the_rest_are_forgotten(filled: Service, sample: Posts) -> None:
    first, *others = sample
    assert forget(filled, f"posts/x/{first['id']}")["online"] == 1
    assert remembered(filled, [first]) == [False]

    handle = others[-1]["author_handle"]
    theirs = [post for post in sample if post["author_handle"] == handle]
    assert forget(filled, f"authors/x/@{handle}")["online"] == len(theirs)
    assert filled.client.get(f"/v1/authors/x/{handle}").status_code == 404
    assert remembered(filled, theirs) == [False] * len(theirs)

    for platform in {post["platform"] for post in sample}:
        forget(filled, "features", prefix=f"{platform}/")
    assert filled.client.get("/v1/authors").json() == {"authors": []}
    assert filled.client.get("/v1/hashtags").json() == {"hashtags": []}
    assert forget(filled, "features", prefix="x/") == {"online": 0, "offline": 0}


def test_no_character_means_anything(filled: Service, sample: Posts) -> None:
    for odd in ("*", "%", "x/%", "[x]/", "a/b/c", "'; --", "\x00", "👩"):
        assert forget(filled, f"posts/x/{quote(odd, safe='')}")["online"] == 0
        assert forget(filled, f"authors/x/{quote(odd.replace('/', ''))}")["online"] == 0
        assert forget(filled, "features", prefix=odd)["online"] == 0
    assert all(remembered(filled, sample))


def test_an_at_sign_alone_names_no_author(filled: Service) -> None:
    response = filled.client.delete("/v1/authors/x/@")
    assert response.status_code == 422
    assert "handle is empty; write it" in response.json()["detail"]


def test_an_empty_prefix_is_refused(filled: Service, sample: Posts) -> None:
    for params in ({}, {"prefix": ""}, {"prefix": "x" * 301}):
        response = filled.client.delete("/v1/features", params=params)
        assert response.status_code == 422
        assert "prefix" in response.json()["detail"]
    assert all(remembered(filled, sample))


def test_a_bare_text_is_forgotten_by_the_post_in_its_answer(filled: Service) -> None:
    def answer() -> dict[str, Any]:
        response = filled.client.post("/v1/sentiment", json={"inputs": ["Nobody shall know."]})
        (result,) = response.json()["results"]
        found: dict[str, Any] = result
        return found

    post = answer()["post"]
    eventually(lambda: answer()["cached"])
    assert post == {
        "platform": "text",
        "id": post["id"],
        **dict.fromkeys(["url", "authorId", "authorHandle", "createdAt"]),
    }
    eventually(
        lambda: "sentiserve_queued_records 0.0" in filled.client.get("/metrics").text.splitlines()
    )
    assert forget(filled, f"posts/text/{post['id']}")["online"] == 1
    assert answer()["cached"] is False
