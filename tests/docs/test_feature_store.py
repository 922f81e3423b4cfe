"""The commands of docs/feature-store.md, run in their order."""

import json
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from processes import PATIENCE, Run, StartService, eventually, variables
from redis_server import RedisServer

PAGE = (Path(__file__).parents[2] / "docs" / "feature-store.md").read_text()
URL, REDIS = "http://127.0.0.1:8000", "redis://127.0.0.1:6379"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[str]:
    lines = "".join(blocks("console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith(f"$ {program} ")]


def send(curl: str, service_url: str) -> Any:
    arguments = ArgumentParser()
    arguments.add_argument("url")
    arguments.add_argument("-X", dest="method", default="POST")
    arguments.add_argument("-H", dest="headers", action="append", default=[])
    arguments.add_argument("-d", dest="body")
    given = arguments.parse_args(shlex.split(curl)[1:])
    headers = dict(header.split(": ", 1) for header in given.headers)
    response = httpx.request(
        given.method,
        given.url.replace(URL, service_url),
        headers=headers,
        content=given.body,
        timeout=PATIENCE,
    )
    assert response.status_code == 200, response.text
    return response.json()


def test_every_command_does_what_the_page_says(
    cli: Run, start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"STORE": f"sqlite:///{tmp_path}/store.db", "HISTORY": f"{tmp_path}/history"}
    service = start_service(**settings)
    features, judged, *deletes = commands("curl")
    (post,) = re.findall(r'"id": "(\d+)"', features)
    url = f"https://x.com/roastery_ines_samples/status/{post}"
    for answer in ({"url": url}, "What a lovely day"):
        service.client.post("/v1/sentiment", json={"inputs": [answer]})
    eventually(
        lambda: "sentiserve_queued_records 0.0" in service.client.get("/metrics").text.splitlines()
    )
    (found,) = send(features, service.url)["results"]
    (shown,) = json.loads(blocks("json")[0])["results"]
    assert found["values"] == shown["values"]
    assert found["statuses"] == shown["statuses"]
    (judgement,) = send(judged, service.url)["results"]
    assert (judgement["label"], judgement["predicted"]) == ("neutral", "positive")
    assert service.stop() == 0

    now = datetime.now(UTC).isoformat()
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT TIMESTAMPTZ '{now}' AS event_timestamp, 'x' AS platform, "
            f"'{post}' AS id, '15520' AS author) TO 'spine.parquet'"
        )
    (program,) = blocks("python")
    with monkeypatch.context() as patch:
        for name, value in variables(settings).items():
            patch.setenv(name, value)
        said = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout.splitlines()
    assert said == [str(shown["values"]), f"{now[:4]} positive", "2020 None"]
    with RedisServer() as redis:
        for command in commands("sentiserve"):
            arguments = shlex.split(command.replace(REDIS, redis.url))[1:]
            ran = cli(*arguments, **settings)
            assert ran.status == 0, (command, ran.err)
            if "training-set" in arguments:
                query = "SELECT post_sentiment__label FROM 'training.parquet'"
                with duckdb.connect() as connection:
                    assert connection.execute(query).fetchall() == [("positive",)]
                    assert connection.execute(blocks("sql")[0]).fetchall()
            if "--text" in arguments:
                assert "1 in the store, 1 in the history" in ran.out

    again = start_service(**settings)
    for command in deletes:
        assert send(command, again.url) == {"online": 0, "offline": 0}  # all was cleared


def test_the_answers_views_are_those_of_the_page() -> None:
    from sentiserve.features.views import SPANS, VIEWS

    for view in VIEWS.values():
        keys = ", ".join(f"`{key}`" for key in view.join_keys)
        assert f"| `{view.name}` | {keys} |" in PAGE
    assert f"for {SPANS[0]}, {SPANS[1]} and {SPANS[2]} days" in PAGE
