"""Drift over HTTP: what the newest posts are held against, and how they compare."""

from typing import Any

from processes import Service, StartService, eventually

SPANISH = [f"Hoy no tengo ganas de salir de la casa, ni el día {i}" for i in range(250)]


def recorded(service: Service, posts: int) -> dict[str, Any] | None:
    found: dict[str, Any] = service.client.get("/v1/drift").json()
    return found if found["posts"] == posts else None


def test_another_language_is_told(start_service: StartService) -> None:
    """Too few posts at first, and said so; with enough of them, the language and its shares."""
    service = start_service()
    first = service.client.get("/v1/drift")
    assert first.status_code == 200, first.text
    assert first.json()["findings"] == first.json()["drifted"] == []
    assert "too few posts yet (0 of 200)" in first.json()["notes"]
    for texts in (SPANISH[:200], SPANISH[200:]):
        body = {"inputs": texts}
        assert service.client.post("/v1/sentiment", json=body).status_code == 200
    found = eventually(lambda: recorded(service, len(SPANISH)))
    assert "language" in found["drifted"]
    (language,) = [finding for finding in found["findings"] if finding["feature"] == "language"]
    assert (language["kind"], language["drifted"], language["posts"]) == ("input", True, 250)
    assert language["pValue"] < language["pThreshold"]
    assert language["effect"] >= language["effectThreshold"]
    shares = {share["bin"]: share for share in language["shares"]}
    assert shares["Spanish"]["window"] > 0.9 > 0.1 > shares["Spanish"]["reference"]
    metrics = service.client.get("/metrics").text
    assert 'sentiserve_drift_alarm{feature="language"} 1.0' in metrics
