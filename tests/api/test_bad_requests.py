"""Whatever is sent, the answer is a problem document that gives nothing away."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from processes import Service

SENTIMENT, INFERENCE = "/v1/sentiment", "/v1/inference"
JSON = {"Content-Type": "application/json"}
SENT = "QzXq"  # in what is sent, so that echoes of it show
INTERNALS = ("Traceback", "site-packages", "sentiserve/", ".py", "pydantic", "sqlite", "Error(")

TITLES = {
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    422: "Unprocessable Content",
}


@dataclass(frozen=True)
class Bad:
    """A request that can't be answered with 200."""

    says: str
    status: int
    path: str = SENTIMENT
    method: str = "POST"
    detail: str = ""  # a part of it
    options: dict[str, Any] = field(default_factory=dict)


def get(says: str, status: int, path: str, detail: str = "", **params: str) -> Bad:
    return Bad(says, status, path, "GET", detail, {"params": params} if params else {})


def post(says: str, content: Any, detail: str = "", status: int = 422) -> Bad:
    return Bad(says, status, detail=detail, options={"content": content, "headers": JSON})


def url(says: str, value: str, detail: str = "no post's URL", status: int = 422) -> Bad:
    return get(says, status, INFERENCE, detail, tweetUrl=value)


LIMIT = 4 << 20  # bytes; the default of SENTISERVE_MAX_BODY
REQUESTS = [
    url("no URL at all", f"{SENT} " * 40),
    url("an empty URL", ""),
    url("a URL of no known form", f"https://example.com/{SENT}"),
    url("a short link", f"https://t.co/{SENT}"),
    url("a profile", f"https://x.com/{SENT}"),
    url("an address inside", "http://169.254.169.254/latest/meta-data/@a/1"),
    url("a file", "file:///etc/passwd"),
    url("a NUL in a URL", f"https://x.com/{SENT}\0/status/1"),
    url("a URL over 2,048 characters", "https://x.com/" + SENT * 600, "2,048"),
    url("an unknown post", f"https://x.com/{SENT}/status/1", "no post", 404),
    get("no tweetUrl", 422, INFERENCE, "tweetUrl"),
    get("a URL that is no UTF-8", 422, f"{INFERENCE}?tweetUrl=%FF%FE"),
    post("no body", b"", "body"),
    post("broken JSON", f'{{"inputs": ["{SENT}"'.encode(), "JSON"),
    post("JSON that is no UTF-8", b'{"inputs": ["\xff\xfe"]}', "JSON"),
    post("10,000 levels of lists", b'{"inputs": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    post("10,000 levels of objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    post("a number of 10,000 digits", b'{"inputs": [' + b"9" * 10_000 + b"]}"),
    post("a list instead of an object", b'["text"]', "body"),
    post("a string instead of an object", b'"text"', "body"),
    post("null", b"null", "body"),
    post("no inputs", b"{}", "inputs"),
    post("inputs that are a string", json.dumps({"inputs": SENT * 100}).encode(), "inputs"),
    post("inputs that are null", b'{"inputs": null}', "inputs"),
    post("another name beside inputs", b'{"inputs": [], "extra": 1}', "extra"),
    post("a name of 100,000 characters", json.dumps({"x" * 100_000: 1}).encode(), "xxx"),
    post("a name that is no character", b'{"inputs": [], "\\ud800": 1}', "body"),
    post("257 inputs", json.dumps({"inputs": [SENT] * 257}).encode(), "256"),
    post("a body over the limit", b"x" * (LIMIT + 1), "larger", 413),
    post("a body over the limit, in chunks", [b"x" * (1 << 20)] * 5, "larger", 413),
    Bad("a form", 422, detail="JSON", options={"data": {"inputs": SENT}}),
    Bad("a body of no stated kind", 422, detail="JSON", options={"content": b'{"inputs": []}'}),
    *[
        get(f"{path} with limit={limit}", 422, path, "limit", limit=limit)
        for path in ("/v1/authors", "/v1/hashtags")
        for limit in ("0", "1001", "abc", "-1", "", "9" * 5000)
    ],
    get("a time that is none", 422, "/v1/authors", "since", since=SENT),
    get("a time that is none, of hashtags", 422, "/v1/hashtags", "since", since="yesterday"),
    get("a platform of 51 characters", 422, "/v1/authors", "platform", platform="p" * 51),
    *[
        get(f"{path} with {name}", 422, path, detail, **{name: "1"})
        for path, name, detail in (
            ("/v1/authors", "limt", "no parameter 'limt'; it knows limit, platform, since"),
            ("/v1/authors/x/1", "limit", "no parameter 'limit'; it knows since"),
            ("/v1/hashtags", "Limit", "no parameter 'Limit'; it knows limit, since"),
            ("/v1/hashtags/a", "tweetUrl", "no parameter 'tweetUrl'; it knows since"),
            ("/v1/posts", "since", "no parameter 'since'; it knows limit"),
            ("/v1/timeline", "tag", "no parameter 'tag'; it knows hashtag, step, since"),
            ("/v1/drift", "since", "no parameter 'since'; it takes none"),
            ("/v1/model", "id", "no parameter 'id'; it takes none"),
            ("/v1/activity", "minutes", "no parameter 'minutes'; it takes none"),
            ("/figures/timeline.svg", "widht", "no parameter 'widht'; it knows step, hashtag"),
        )
    ],
    get("a long name in a query", 422, f"/v1/posts?{'n' * 9_000}=1", f"'{'n' * 40}'; it"),
    get("two unknown names and a known one", 422, "/v1/posts?a=1&limit=1&b", "'a', 'b'; it knows"),
    Bad("a misspelt prefix", 422, "/v1/features?prefx=x/&prefix=x/9", "DELETE", "'prefx'; it"),
    get("an author of 301 characters", 422, f"/v1/authors/x/{'a' * 301}", "author"),
    get("an unknown author", 404, f"/v1/authors/x/{SENT}", "author"),
    get("an author of an unknown platform", 404, f"/v1/authors/{SENT}/1", "author"),
    get("an unknown hashtag", 404, f"/v1/hashtags/{SENT}", "hashtag"),
    get("a NUL in a hashtag", 404, "/v1/hashtags/%00", "hashtag"),
    get("an author that is no UTF-8", 404, "/v1/authors/x/%FF%ED%A0%80", "author"),
    get("an unknown path", 404, f"/{SENT}", "/docs"),
    get("an unknown path of the version", 404, f"/v1/{SENT}", "/docs"),
    get("a path upwards", 404, "/swagger/..%2f..%2fmain.py", "/docs"),
    get("the wrong method", 405, SENTIMENT, "method"),
    Bad("another wrong method", 405, INFERENCE, "DELETE", "method"),
    Bad("a method that nobody knows", 405, INFERENCE, "PROPFIND", "method"),
]


def test_what_only_watches_or_is_pasted_takes_any_query(
    service: Service, sample: list[dict[str, str]]
) -> None:
    """Health and pages are asked with what clients add; so is a post, by an address as pasted."""
    for path in ("/health/live", "/health/ready", "/metrics", "/", "/docs", "/static/main.js"):
        assert service.client.get(path, params={"utm_source": "x"}).status_code == 200
    pasted = f"{INFERENCE}?tweetUrl={sample[0]['url']}?s=20&t=abc"
    assert service.client.get(pasted).json()["post"]["id"] == sample[0]["id"]


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"]
    document: dict[str, Any] = answer.json()
    assert set(document) == {"type", "title", "status", "detail"}
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"] == TITLES[status]
    return document


@pytest.mark.parametrize("bad", REQUESTS, ids=lambda bad: bad.says.replace(" ", "-"))
def test_a_bad_request_gets_a_problem_and_harms_nobody(service: Service, bad: Bad) -> None:
    answer = service.client.request(bad.method, bad.path, **bad.options)

    document = check_problem(answer, bad.status)
    assert bad.detail in document["detail"]
    assert len(answer.content) < 500
    assert answer.text.count(SENT) == 0
    assert not [word for word in INTERNALS if word in answer.text]
    good = service.client.post(SENTIMENT, json={"inputs": ["Good morning."]})
    assert good.json()["results"][0]["sentimentAnalyst"]


def test_no_bad_request_is_logged_as_a_failure_of_the_service(service: Service) -> None:
    """What callers do wrong is no alarm, and none of it reaches the log."""
    service.client.post(SENTIMENT, content=b'{"inputs": ["' + SENT.encode(), headers=JSON)
    service.client.get(INFERENCE, params={"tweetUrl": f"https://x.com/{SENT}"})
    assert not [event for event in service.events() if event["level"] == "error"]
    assert SENT not in "".join(service.logs)
