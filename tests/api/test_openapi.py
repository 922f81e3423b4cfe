"""The description of the service agrees with the service."""

from datetime import datetime
from typing import Any

import pytest
from processes import Service

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
ROUTES = {
    "GET /v1/inference": {401, 403, 404, 410, 422, 429, 502, 503, 504},
    "POST /v1/sentiment": {401, 413, 422, 429},
    "GET /v1/authors": {401, 422, 429, 503},
    "GET /v1/authors/{platform}/{author}": {401, 404, 422, 429, 503},
    "GET /v1/hashtags": {401, 422, 429, 503},
    "GET /v1/hashtags/{tag}": {401, 404, 422, 429, 503},
    "GET /v1/drift": {401, 422, 429, 503},
    "GET /v1/posts": {401, 422, 429, 503},
    "GET /v1/timeline": {401, 422, 429, 503},
    "POST /v1/feedback": {401, 413, 422, 429, 503},
    "POST /v1/features": {401, 413, 422, 429, 503},
    "DELETE /v1/posts/{platform}/{id}": {401, 422, 429, 503},
    "DELETE /v1/authors/{platform}/{author}": {401, 422, 429, 503},
    "DELETE /v1/features": {401, 422, 429, 503},
    "GET /v1/model": {401, 422, 429},
    "GET /v1/activity": {401, 422, 429},
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def description(service: Service) -> Schema:
    answer: Schema = service.client.get("/openapi.json").json()
    return answer


def check(value: object, schema: Schema, components: Schema, where: str) -> None:
    """As much of JSON Schema as the description uses."""
    if name := schema.get("$ref"):
        schema = components[name.rpartition("/")[2]]
    if options := schema.get("anyOf"):
        failures = [failure_of(value, option, components, where) for option in options]
        assert None in failures, failures
        return
    expected = TYPES[schema["type"]]
    assert isinstance(value, expected), f"{where} is no {schema['type']}: {value!r}"
    assert value in schema.get("enum", [value]), where
    if schema.get("format") == "date-time":
        assert datetime.fromisoformat(str(value)).tzinfo is not None, where
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(item, schema["items"], components, f"{where}[{i}]")
    if isinstance(value, dict):
        check_object(value, schema, components, where)


def check_object(value: Schema, schema: Schema, components: Schema, where: str) -> None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", False)
    assert set(schema.get("required", ())) <= set(value), f"{where}: {sorted(value)}"
    for name, part in value.items():
        assert name in known or others, f"{where}.{name} is not described"
        check(part, known.get(name, others), components, f"{where}.{name}")


def failure_of(value: object, schema: Schema, components: Schema, where: str) -> str | None:
    try:
        check(value, schema, components, where)
    except AssertionError as failure:
        return str(failure)
    return None


def test_every_route_is_described_with_its_problems(description: Schema) -> None:
    described = {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if "/v1" in path
    }
    assert described.keys() == ROUTES.keys()
    for route, operation in described.items():
        assert operation["summary"]
        assert operation["description"]
        assert operation["security"] == [{"HTTPBearer": []}, {"HTTPBasic": []}]
        problems = {status: r for status, r in operation["responses"].items() if status > "3"}
        assert {int(status) for status in problems} == ROUTES[route], route
        for status, response in problems.items():
            assert response["content"] == PROBLEM, f"{route} {status}"


def test_real_answers_are_as_described(
    service: Service, description: Schema, sample: list[dict[str, str]]
) -> None:
    post = sample[0]
    asked = [
        ("/v1/inference", "/v1/inference", {"tweetUrl": post["url"]}),
        ("/v1/inference", "/v1/inference", {"tweetUrl": "https://x.com/a_samples/status/1"}),
        ("/v1/inference", "/v1/inference", {}),
        ("/v1/authors", "/v1/authors", {"limit": "3"}),
        ("/v1/authors", "/v1/authors", {"limit": "0"}),
        ("/v1/authors/{platform}/{author}", f"/v1/authors/x/{post['author_id']}", {}),
        ("/v1/authors/{platform}/{author}", "/v1/authors/x/nobody", {}),
        ("/v1/hashtags", "/v1/hashtags", {}),
        ("/v1/hashtags/{tag}", "/v1/hashtags/nothing", {}),
        ("/v1/drift", "/v1/drift", {}),
        ("/v1/posts", "/v1/posts", {"limit": "3"}),
        ("/v1/posts", "/v1/posts", {"limit": "1001"}),
        ("/v1/timeline", "/v1/timeline", {}),
        ("/v1/timeline", "/v1/timeline", {"step": "minute"}),
        ("/v1/model", "/v1/model", {}),
        ("/v1/model", "/v1/model", {"limit": "3"}),
        ("/health/live", "/health/live", {}),
        ("/health/ready", "/health/ready", {}),
    ]
    for route, path, params in asked:
        response = service.client.get(path, params=params)
        described = description["paths"][route]["get"]["responses"][str(response.status_code)]
        schema = described["content"][response.headers["Content-Type"]]["schema"]
        check(response.json(), schema, description["components"]["schemas"], path)


def test_a_real_batch_is_as_described(
    service: Service, description: Schema, sample: list[dict[str, str]]
) -> None:
    inputs = ["a text", {"text": "another"}, {"url": sample[0]["url"]}, 7, {"url": "nowhere"}]
    response = service.client.post("/v1/sentiment", json={"inputs": inputs})
    answers = description["paths"]["/v1/sentiment"]["post"]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    check(response.json(), schema, description["components"]["schemas"], "/v1/sentiment")


def test_the_described_example_is_accepted(service: Service, description: Schema) -> None:
    example = description["components"]["schemas"]["SentimentIn"]["example"]
    assert service.client.post("/v1/sentiment", json=example).status_code == 200
