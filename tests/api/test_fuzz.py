"""No body of any shape makes the service fail."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from processes import Service

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # surrogates too
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["text", "url", "inputs"]) | ANY_TEXT, inner, max_size=3)
    ),
    max_leaves=12,
)
BODIES = VALUES | st.fixed_dictionaries({"inputs": st.lists(VALUES, max_size=6)})
CONTENTS = BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
QUERIES = st.text(st.characters(codec="utf-8"), max_size=60)
FEW = settings(max_examples=60)


@FEW
@given(content=CONTENTS)
def test_any_body_is_answered_or_refused(service: Service, content: bytes) -> None:
    answer = service.client.post(
        "/v1/sentiment", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 200:
        statuses = [result.get("status", 200) for result in answer.json()["results"]]
        assert len(statuses) == len(json.loads(content)["inputs"])
        assert set(statuses) <= {200, 404, 422}


@FEW
@given(url=QUERIES, limit=QUERIES, since=QUERIES)
def test_any_query_is_answered_or_refused(
    service: Service, url: str, limit: str, since: str
) -> None:
    for path, params in (
        ("/v1/inference", {"tweetUrl": url}),
        ("/v1/authors", {"limit": limit, "platform": url}),
        ("/v1/hashtags", {"since": since}),
    ):
        answer = service.client.get(path, params=params)
        assert answer.status_code in {200, 404, 422}, answer.text
