"""The README's story: a post is asked about, and remembered."""

from pathlib import Path
from typing import Any

from processes import Service, StartService


def ask(service: Service, url: str) -> dict[str, Any]:
    answer = service.client.get("/v1/inference", params={"tweetUrl": url})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_post_is_remembered_across_a_restart_but_not_by_another_model(
    start_service: StartService, sample: list[dict[str, str]], other_bundle: Path
) -> None:
    post = sample[0]

    service = start_service()
    first, second = ask(service, post["url"]), ask(service, post["url"])
    assert first["textInput"] == post["text"]
    assert (first["cached"], second["cached"]) == (False, True)
    assert second == first | {"cached": True}
    assert service.stop() == 0

    restarted = start_service()
    assert ask(restarted, post["url"]) == second
    assert restarted.stop() == 0

    other = start_service("--model", str(other_bundle))
    answered = ask(other, post["url"])
    assert not answered["cached"]
    assert answered["model"] != first["model"]


def test_every_form_of_a_posts_url_is_the_same_post(
    service: Service, sample: list[dict[str, str]]
) -> None:
    post = sample[1]
    ask(service, post["url"])
    forms = [
        post["id"],
        f"{post['url']}?s=20&t=abc",
        f"{post['url']}/photo/1",
        post["url"].replace("x.com", "mobile.twitter.com"),
        f"https://x.com/i/web/status/{post['id']}",
    ]
    for form in forms:
        answer = ask(service, form)
        assert (answer["cached"], answer["post"]["id"]) == (True, post["id"]), form


def test_a_text_is_remembered_too(service: Service) -> None:
    body = {"inputs": ["The bridge opens on Monday, says the council's notice."]}
    first, second = (
        service.client.post("/v1/sentiment", json=body).json()["results"][0] for _ in range(2)
    )
    assert not first["cached"]
    assert second == first | {"cached": True}
