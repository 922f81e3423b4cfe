"""The fake of X is held to X's own document, and so is what we ask for.

``X_OPENAPI_SPEC`` names the file, which X gives to everybody at ``/2/openapi.json``.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from x_api import APP, ELLA, POSTS, TOM, USER, USERS, all_pages, at, opened, refs, user

from sentiserve.errors import SentiserveError
from sentiserve.sources.x.posts import DIALECTS
from sentiserve.sources.x.source import X
from sentiserve.testing.x_answers import PROBLEMS, XPost, time_of
from sentiserve.testing.x_server import XServer
from sentiserve.types import FeedKind, FeedQuery, PostRef

# openapi-core knows no OAuth 2; which token opens what is proved elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:Unsupported scheme type")
SPEC = os.environ.get("X_OPENAPI_SPEC")
HOST = "https://api.x.com"
EDITED, LATER = at(31), at(30.9)
HIDDEN = XPost(at(32), ELLA, "Not for everybody", problem="resource-unavailable")
LONG = XPost(at(30), ELLA, "A long post: " + "very " * 100)
ODD = [
    LONG,
    XPost(at(29), ELLA, retweeted=LONG.id),
    XPost(EDITED, ELLA, "tee", history=(EDITED, LATER)),
    XPost(LATER, ELLA, "tea", history=(EDITED, LATER)),
    HIDDEN,
]
NEW = XPost(at(0.1), ELLA, "News about #tea")
Request = tuple[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if SPEC is None:
        pytest.skip("name the file of X's OpenAPI document in X_OPENAPI_SPEC")
    found: dict[str, Any] = json.loads(Path(SPEC).read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def spec(document: dict[str, Any]) -> OpenAPI:
    known: dict[str, Any] = {"application/problem+json": json.loads}
    return OpenAPI.from_dict(document, Config(extra_media_type_deserializers=known))


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with XServer([*POSTS, *ODD], USERS, page_size=7, heartbeat=0.05) as started:
        started.protected.add(TOM)
        yield started


@pytest.fixture(scope="module")
def asked(server: XServer, tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """All that the source asks for when everything is wanted of it."""
    asyncio.run(_ask_for_everything(server, tmp_path_factory.mktemp("x")))
    return [(path, dict(query)) for path, query in server.requests]


async def _ask_for_everything(server: XServer, state: Path) -> None:
    gone = PostRef("x", at(99))
    async with opened(server, state) as source:
        assert len(await source.fetch([*refs([*POSTS[:2], *ODD]), gone])) == 8
        since = POSTS[3].id
        for query in (user(), FeedQuery(FeedKind.TAG, ("tea",)), FeedQuery(FeedKind.HOME)):
            assert len(await all_pages(source, query)) > 1
            assert await all_pages(source, query, f"before-{since}")
        assert await all_pages(source, user(since=time_of(since)))
        for name in ("nobody", "tom_tester"):
            with pytest.raises(SentiserveError):
                await all_pages(source, user(name))
        server.publish(NEW)
        await _stream(source)


async def _stream(source: X) -> None:
    async with asyncio.timeout(60):
        assert await all_pages(source, FeedQuery(FeedKind.STREAM, ("tea", "cake"), limit=1))


def get(server: XServer, path: str, query: Mapping[str, str]) -> httpx.Response:
    token = USER if path.endswith(("/me", "/reverse_chronological")) else APP
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(
        f"{server.url}{path}", params=query, headers=headers, trust_env=False, timeout=60
    )


def mocked(path: str, query: Mapping[str, str], body: object = None) -> MockRequest:
    data = None if body is None else json.dumps(body).encode()
    method, headers = ("get" if body is None else "post"), {"Authorization": "Bearer token"}
    return MockRequest(HOST, method, path, args=dict(query), headers=headers, data=data)


def answered(status: int, body: bytes, kind: str = "application/json") -> MockResponse:
    return MockResponse(body, status_code=status, content_type=kind)


def test_every_endpoint_is_asked(asked: list[Request]) -> None:
    """So that what follows holds for all of them."""
    ends = {path.replace(f"/{ELLA}/", "/ID/").replace(f"/{TOM}/", "/ID/") for path, _ in asked}
    assert ends == {
        "/2/tweets",
        "/2/tweets/search/recent",
        "/2/tweets/search/stream",
        "/2/tweets/search/stream/rules",
        "/2/users/by/username/ella",
        "/2/users/by/username/nobody",
        "/2/users/by/username/tom_tester",
        "/2/users/me",
        "/2/users/ID/tweets",
        "/2/users/ID/timelines/reverse_chronological",
    }


def test_what_is_asked_is_what_x_takes(
    spec: OpenAPI, server: XServer, asked: list[Request]
) -> None:
    """Parameters, their values, and each field and expansion are in the document."""
    for path, query in asked:
        spec.validate_request(mocked(path, query))
    assert server.rule_changes
    for body in server.rule_changes:
        spec.validate_request(mocked("/2/tweets/search/stream/rules", {}, body))


@pytest.mark.parametrize("parameter", ["tweet.fields", "expansions", "user.fields"])
def test_what_x_does_not_take_would_be_found(spec: OpenAPI, parameter: str) -> None:
    """The test above can fail."""
    params = DIALECTS["tweet"].params
    params[parameter] += ",no_such_field"
    with pytest.raises(OpenAPIError):
        spec.validate_request(mocked("/2/tweets", {"ids": "1", **params}))


def test_what_the_fake_answers_is_what_x_answers(
    spec: OpenAPI, document: dict[str, Any], server: XServer, asked: list[Request]
) -> None:
    """With data, without, and with problems beside it."""
    kinds = set()
    for path, query in asked:
        if path.endswith("/stream"):
            continue
        response = get(server, path, query)
        assert response.status_code == 200
        spec.validate_response(mocked(path, query), answered(200, response.content))
        for problem in response.json().get("errors", []):
            kinds.add(problem["type"].rpartition("/")[2])
            assert _lacking(document, problem) == set()
    assert kinds == {"resource-not-found", "resource-unavailable", "not-authorized-for-resource"}


def test_what_the_fake_streams_is_what_x_streams(spec: OpenAPI, server: XServer) -> None:
    server.rules = {"1": {"id": "1", "value": "#tea", "tag": "mine"}}
    server.publish(NEW)
    path, query = "/2/tweets/search/stream", DIALECTS["tweet"].params
    headers = {"authorization": f"Bearer {APP}"}
    with (
        httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client,
        client.stream("GET", path, params=query) as response,
    ):
        line = next(line for line in response.iter_lines() if line)
    assert json.loads(line)["matching_rules"] == [{"id": "1", "tag": "mine"}]
    spec.validate_response(mocked(path, query), answered(200, line.encode()))


def test_what_the_fake_says_of_rules_is_what_x_says(spec: OpenAPI, server: XServer) -> None:
    """When they are added, there already, and removed."""
    path = "/2/tweets/search/stream/rules"
    headers = {"authorization": f"Bearer {APP}"}
    add = {"add": [{"value": "#juice", "tag": "t"}]}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client:
        added = client.post(path, json=add)
        again = client.post(path, json=add)
        (rule,) = added.json()["data"]
        gone = client.post(path, json={"delete": {"ids": [rule["id"]]}})
    for body, response in ((add, added), (add, again), ({"delete": {}}, gone)):
        answer = answered(response.status_code, response.content)
        spec.validate_response(mocked(path, {}, body), answer)


@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - {"too-many-requests-before"}))
def test_what_the_fake_refuses_with_is_what_x_refuses_with(
    spec: OpenAPI, document: dict[str, Any], server: XServer, name: str
) -> None:
    """But for the shape that X's limits had before the document."""
    server.refusal = PROBLEMS[name]
    try:
        response = get(server, "/2/tweets", {"ids": "1"})
    finally:
        server.refusal = None
    kind = response.headers["content-type"]
    answer = answered(response.status_code, response.content, kind)
    spec.validate_response(mocked("/2/tweets", {"ids": "1"}), answer)
    assert _lacking(document, response.json()) == set()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/2/tweets", {"ids": "x"}),
        ("/2/tweets", {"ids": ",".join(map(str, range(101)))}),
        ("/2/tweets", {"ids": "1", "colour": "red"}),
        (f"/2/users/{ELLA}/tweets", {"max_results": "4"}),
        ("/2/tweets/search/recent", {"query": "#tea", "max_results": "9"}),
        ("/2/tweets/search/recent", {"query": "#tea", "until_id": "x"}),
        ("/2/users/by/username/no-name", {}),
    ],
)
def test_what_x_does_not_take_the_fake_does_not_take(
    spec: OpenAPI, server: XServer, path: str, query: dict[str, str]
) -> None:
    response = get(server, path, query)
    assert response.status_code == 400
    answer = answered(400, response.content, response.headers["content-type"])
    spec.validate_response(mocked(path, query), answer)


def _lacking(document: Mapping[str, Any], problem: Mapping[str, Any]) -> set[str]:
    """What a problem of its type must have, and this one hasn't; openapi-core doesn't look."""
    schemas = document["components"]["schemas"]
    named = schemas["Problem"]["discriminator"]["mapping"].get(problem["type"])
    if named is None:
        return set()
    parts = schemas[named.rpartition("/")[2]]["allOf"]
    return {name for part in parts for name in part.get("required", ())} - set(problem)
