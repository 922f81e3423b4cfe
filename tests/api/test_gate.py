"""What the gate bounds by itself, in front of an app that reads whatever comes."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from sentiserve.api import gate, problems
from sentiserve.api.auth import Credentials
from sentiserve.api.clients import Clients
from sentiserve.api.limits import Limits
from sentiserve.metrics import Metrics


def reading() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.post("/")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.get("/")
    async def fail() -> None:
        raise ZeroDivisionError("a secret")

    return app


def gated(max_body: int) -> gate.Gate:
    anybody = Credentials((), None)
    return gate.Gate(reading(), Metrics(), anybody, Limits(0, 1), Clients(()), max_body)


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_BODY_SECONDS", 0.05)
    sent: list[Message] = []

    async def drip() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    async with asyncio.timeout(60):
        await gated(1_000)(scope, drip, send)
    assert sent[0]["status"] == 408


async def test_an_error_that_nobody_foresaw_is_a_problem_with_the_requests_id() -> None:
    """Whatever the route; what went wrong is for the log alone."""
    transport = httpx.ASGITransport(gated(1_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/", headers={"X-Request-Id": "a-1"})
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == "a-1"
    assert answer.json()["title"] == "Internal Server Error"
    assert "this request's id" in answer.json()["detail"]
    assert "secret" not in answer.text
