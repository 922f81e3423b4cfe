"""What is answered in front of the app is what the app would have answered."""

import json

from processes import Service, eventually

PLAIN, UNUSUAL = "application/json", "application/vnd.sentiserve+json"


def test_a_list_has_the_same_results_by_either_way(
    service: Service, sample: list[dict[str, str]]
) -> None:
    inputs = ["Either way", {"text": "Or the other"}, {"url": sample[3]["url"]}, {"text": ""}, 7]
    inputs += [{"url": "https://example.com/"}, {"url": sample[4]["id"], "text": "both"}]
    body = json.dumps({"inputs": inputs})

    def results(media_type: str) -> list[dict[str, object]]:
        answer = service.client.post(
            "/v1/sentiment", content=body, headers={"Content-Type": media_type}
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found: list[dict[str, object]] = answer.json()["results"]
        return found

    results(PLAIN)
    eventually(lambda: all(result.get("cached", True) for result in results(PLAIN)))
    by_short, by_long = results(PLAIN), results(UNUSUAL)
    assert by_short == by_long
    assert [list(result) for result in by_short] == [list(result) for result in by_long]


def test_a_hit_is_the_same_by_either_way(service: Service, sample: list[dict[str, str]]) -> None:
    path = f"/v1/inference?tweetUrl={sample[5]['id']}"
    service.client.get(path)
    eventually(lambda: service.client.get(path).json()["cached"])
    by_short, by_long = service.client.get(path), service.client.get(f"{path}&other=1")
    assert by_short.json() == by_long.json()
    assert list(by_short.json()) == list(by_long.json())
    assert by_short.headers["content-type"] == by_long.headers["content-type"]


def test_both_ways_count_under_the_same_route(service: Service) -> None:
    def count() -> float:
        told = service.client.get("/metrics").text
        series = 'sentiserve_requests_total{method="POST",route="/v1/sentiment",status="200"} '
        return float(told.partition(series)[2].partition("\n")[0] or 0)

    before = count()
    for media_type in (PLAIN, UNUSUAL):
        headers = {"Content-Type": media_type}
        service.client.post("/v1/sentiment", content='{"inputs":["x"]}', headers=headers)
    assert count() == before + 2
