"""Many texts and posts in one request: each gets its own answer, in order."""

import json
from typing import Any

import httpx
import pytest
from processes import Service

BAD_ITEMS: list[tuple[str, object, int, str]] = [
    ("an empty text", "", 422, "empty"),
    ("a blank text", " \t\n\u3000", 422, "empty"),
    ("a text of 100,001 characters", "a" * 100_001, 422, "100,001"),
    ("a megabyte of text", "word " * 200_000, 422, "1,000,000"),
    ("a text with NUL", "one\0two", 422, "NUL"),
    ("a text with half a character", "\ud83d", 422, "surrogate"),
    ("a number", 7, 422, "string"),
    ("nothing", None, 422, "string"),
    ("a list", ["text"], 422, "string"),
    ("an empty object", {}, 422, "string"),
    ("a text that is a number", {"text": 7}, 422, "string"),
    ("a URL that is null", {"url": None}, 422, "string"),
    ("a text and a URL", {"text": "a", "url": "b"}, 422, "string"),
    ("another name", {"tweet": "a"}, 422, "string"),
    ("an empty text in an object", {"text": ""}, 422, "empty"),
    ("a URL of no known form", {"url": "https://t.co/abc"}, 422, "no post's URL"),
    ("a URL over 2,048 characters", {"url": "https://x.com/" + "a" * 2_048}, 422, "2,048"),
    ("an unknown post", {"url": "https://x.com/nobody_samples/status/1"}, 404, "no post"),
]


def ask(service: Service, inputs: list[Any]) -> httpx.Response:
    # Sent as escapes, since httpx would refuse what isn't Unicode.
    content = json.dumps({"inputs": inputs}).encode()
    return service.client.post(
        "/v1/sentiment", content=content, headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize(
    ("item", "status", "detail"),
    [item[1:] for item in BAD_ITEMS],
    ids=[item[0].replace(" ", "-") for item in BAD_ITEMS],
)
def test_a_bad_item_gets_a_problem_and_its_neighbours_their_answers(
    service: Service, item: object, status: int, detail: str
) -> None:
    answer = ask(service, ["A fine day.", item, "A grim night."])

    assert answer.status_code == 200
    first, bad, last = answer.json()["results"]
    assert (first["textInput"], last["textInput"]) == ("A fine day.", "A grim night.")
    assert (bad["status"], bad["type"]) == (status, "about:blank")
    assert detail in bad["detail"]
    assert len(json.dumps(bad)) < 500


def test_all_bad_items_together_keep_their_places(service: Service) -> None:
    inputs: list[Any] = []
    for number, (_, item, _, _) in enumerate(BAD_ITEMS):
        inputs += [f"Good text number {number}.", item]

    results = ask(service, inputs).json()["results"]

    assert [result.get("textInput") for result in results[::2]] == inputs[::2]
    assert [result["status"] for result in results[1::2]] == [item[2] for item in BAD_ITEMS]


def test_texts_and_posts_are_answered_in_the_order_they_were_asked(
    service: Service, sample: list[dict[str, str]]
) -> None:
    posts = sample[20:140]
    inputs: list[Any] = []
    for number, post in enumerate(posts):
        inputs += [{"url": post["url"]}, f"Text number {number}."]

    results = ask(service, inputs).json()["results"]

    assert [r["textInput"] for r in results[::2]] == [post["text"] for post in posts]
    assert [r["textInput"] for r in results[1::2]] == inputs[1::2]


def test_the_same_text_twice_in_a_request_gets_the_same_answer_twice(service: Service) -> None:
    first, second, third = ask(
        service, ["Twice the same.", "Something else.", {"text": "Twice the same."}]
    ).json()["results"]
    assert first == third
    assert first["textInput"] != second["textInput"]


def test_256_inputs_are_accepted_and_none_are_too(service: Service) -> None:
    assert len(ask(service, ["Enough."] * 256).json()["results"]) == 256
    assert ask(service, []).json() == {"results": []}


def test_a_text_of_100_000_characters_is_answered_and_says_that_it_was_cut(
    service: Service,
) -> None:
    long, short = ask(service, ["word " * 20_000, "word"]).json()["results"]
    assert (long["truncated"], short["truncated"]) == (True, False)
    assert len(long["textInput"]) == 100_000
