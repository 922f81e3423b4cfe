"""Sentiment by author and by hashtag, over posts that the service has seen."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from processes import Service, eventually

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.types import Post

FIGURES = {"posts", "counts", "meanScores", "firstSeen", "lastSeen"}
LABELS = open_bundle(default_bundle()).manifest.labels
Posts = list[dict[str, str]]


@pytest.fixture(scope="module", autouse=True)
def _seen(service: Service, sample: Posts) -> None:
    """Every sample post is asked about; asked again, none of them is new."""
    body = {"inputs": [{"url": post["url"]} for post in sample]}
    for _ in range(2):
        results = service.client.post("/v1/sentiment", json=body).json()["results"]
    assert all(result["cached"] for result in results)


@pytest.fixture(autouse=True)
def _recorded(service: Service) -> None:
    def recorded() -> bool:
        lines = service.client.get("/metrics").text.splitlines()
        return "sentiserve_queued_records 0.0" in lines

    eventually(recorded)


def get(service: Service, path: str, **params: str | int) -> dict[str, Any]:
    response = service.client.get(f"/v1/{path}", params=params)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def by(sample: Posts, handle: str) -> Posts:
    return [post for post in sample if post["author_handle"] == handle]


def times(posts: Posts) -> list[datetime]:
    return sorted(datetime.fromisoformat(post["created_at"]) for post in posts)


def check_figures(answer: dict[str, Any], posts: Posts) -> None:
    assert answer["posts"] == len(posts) == sum(answer["counts"].values())
    assert set(answer["counts"]) == set(answer["meanScores"]) == set(LABELS)
    assert sum(answer["meanScores"].values()) == pytest.approx(1, abs=1e-4)
    seen = times(posts)
    assert datetime.fromisoformat(answer["firstSeen"]) == seen[0]
    assert datetime.fromisoformat(answer["lastSeen"]) == seen[-1]


def test_an_author_is_found_by_id_and_by_handle_in_any_form(
    service: Service, sample: Posts
) -> None:
    author = sample[0]
    handle = author["author_handle"]
    answer = get(service, f"authors/x/{author['author_id']}")
    assert set(answer) == FIGURES | {"platform", "author", "handle"}
    assert (answer["platform"], answer["author"]) == ("x", author["author_id"])
    assert answer["handle"] == handle
    check_figures(answer, by(sample, handle))
    for name in (handle, f"@{handle}", handle.upper(), f"@{handle.title()}"):
        assert get(service, f"authors/x/{name}") == answer, name


def test_an_author_of_another_platform_is_another_author(service: Service, sample: Posts) -> None:
    handle = sample[0]["author_handle"]
    assert service.client.get(f"/v1/authors/bluesky/{handle}").status_code == 404
    fediverse = next(post for post in sample if post["platform"] == "mastodon")
    answer = get(service, f"authors/mastodon/{fediverse['author_id']}")
    check_figures(answer, by(sample, fediverse["author_handle"]))


def test_counts_are_those_of_the_single_answers(service: Service, sample: Posts) -> None:
    handle = sample[0]["author_handle"]
    posts = by(sample, handle)
    body = {"inputs": [{"url": post["url"]} for post in posts]}
    singles = service.client.post("/v1/sentiment", json=body).json()["results"]

    answer = get(service, f"authors/x/{handle}")

    labels = Counter(single["sentimentAnalyst"] for single in singles)
    assert {label: count for label, count in answer["counts"].items() if count} == labels
    for label in LABELS:
        mean = sum(single["scores"][label] for single in singles) / len(singles)
        assert answer["meanScores"][label] == pytest.approx(mean, abs=1e-5)


def test_the_most_active_authors_come_first(service: Service, sample: Posts) -> None:
    expected = Counter(post["author_id"] for post in sample)
    authors = get(service, "authors", limit=1000)["authors"]
    assert {author["author"]: author["posts"] for author in authors} == expected
    posts = [author["posts"] for author in authors]
    assert posts == sorted(posts, reverse=True)
    assert get(service, "authors", limit=2)["authors"] == authors[:2]
    assert len(get(service, "authors")["authors"]) == min(20, len(expected))


def test_authors_can_be_asked_of_one_platform(service: Service) -> None:
    authors = get(service, "authors", platform="bluesky")["authors"]
    assert authors
    assert {author["platform"] for author in authors} == {"bluesky"}
    assert get(service, "authors", platform="nowhere") == {"authors": []}


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M"]
)
def test_since_leaves_out_what_was_posted_before(
    service: Service, sample: Posts, form: str
) -> None:
    handle = Counter(post["author_handle"] for post in sample).most_common(1)[0][0]
    seen = times(by(sample, handle))
    middle = seen[len(seen) // 2].replace(second=0)
    answer = get(service, f"authors/x/{handle}", since=middle.strftime(form))
    assert answer["posts"] == sum(time >= middle for time in seen) < len(seen)


@pytest.mark.parametrize("path", ["authors", "hashtags"])
def test_nothing_was_posted_after_the_end_of_time(service: Service, path: str) -> None:
    assert get(service, path, since="9999-12-31T23:59:59Z") == {path: []}


def test_a_hashtag_is_found_in_any_case_with_and_without_its_sign(
    service: Service, sample: Posts
) -> None:
    posts = [post for post in sample if "coffee" in Post.of_text(post["text"]).hashtags]
    answer = get(service, "hashtags/coffee")
    assert set(answer) == FIGURES | {"hashtag"}
    assert answer["hashtag"] == "coffee"
    check_figures(answer, posts)
    for tag in ("COFFEE", "%23coffee", "%23Coffee"):
        assert get(service, f"hashtags/{tag}") == answer, tag


def test_the_most_used_hashtags_come_first(service: Service) -> None:
    hashtags = get(service, "hashtags", limit=1000)["hashtags"]
    posts = [hashtag["posts"] for hashtag in hashtags]
    assert posts == sorted(posts, reverse=True)
    assert all(set(hashtag) == FIGURES | {"hashtag"} for hashtag in hashtags)
    assert get(service, "hashtags", limit=1)["hashtags"] == hashtags[:1]
