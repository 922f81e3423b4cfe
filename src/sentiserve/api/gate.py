"""What surrounds every request: its id, who may ask and how often, its size, its log line."""

import asyncio
import random
import re
import time
from functools import partial
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiserve.api.auth import Credentials
from sentiserve.api.clients import Clients
from sentiserve.api.limits import Limits
from sentiserve.api.problems import failed, headers_of, problem_of, problem_response
from sentiserve.api.tracing import Tracing
from sentiserve.errors import (
    OverloadedError,
    SentiserveError,
    TooLargeError,
    UnauthorizedError,
)
from sentiserve.metrics import Metrics
from sentiserve.timing import Timing, of_request

_log = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
CLIENT_LEFT = 499  # nobody receives it; nginx's word for it in logs
_BODY_SECONDS = 60.0  # from the request's head to its body's end
_draw = random.Random().getrandbits  # noqa: S311  # ids are no secrets, and the system's randomness takes long
_OPEN = "/health/"  # load balancers have no credentials
_FREE = re.compile("/(static/.*)?")  # a page and its files come from memory, many at once


class Gate:
    """ASGI middleware around the whole app; no request passes it unseen."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        credentials: Credentials,
        limits: Limits,
        clients: Clients,
        max_body: int,
        tracing: Tracing | None = None,
    ) -> None:
        """Take the app, who may ask and how often, and the largest body in bytes."""
        self._app = app
        self._metrics = metrics
        self._credentials = credentials
        self._limits = limits
        self._clients = clients
        self._max_body = max_body
        self._tracing = tracing
        self._log = _log.bind()  # finding out how to log takes longer than logging

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request = _Request(scope, headers, send, self._metrics, self._log, self._tracing)
        structlog.contextvars.bind_contextvars(**request.ids)  # of this task alone
        try:
            if not scope["path"].startswith(_OPEN):
                self._admit(scope, headers)
            await self._app(scope, self._limited(receive, headers), request.send)
        except SentiserveError as error:
            await request.fail(problem_response(problem_of(error), headers_of(error)))
        except ClientDisconnect:
            request.status = CLIENT_LEFT
        except asyncio.CancelledError:  # the server's patience at its end is over
            stopping = OverloadedError("the service is stopping; try again soon")
            await request.fail(problem_response(problem_of(stopping), headers_of(stopping)))
        except Exception:  # noqa: BLE001  # the last one who can answer
            _log.exception("request failed")
            await request.fail(problem_response(failed()))
        finally:
            request.finish()

    def _admit(self, scope: Scope, headers: Headers) -> None:
        """Return if this client may ask now."""
        if not self._limits:
            if self._credentials:
                self._credentials.check(headers.get("authorization", ""))
            return
        client = self._clients.address(scope)
        if self._credentials:
            self._limits.check(client)
            try:
                client = self._credentials.check(headers.get("authorization", ""))
            except UnauthorizedError:
                self._limits.charge(client)  # nobody may guess for ever
                raise
        if not _FREE.fullmatch(scope["path"]):
            self._limits.check(client)
            self._limits.charge(client)
        scope["state"]["charge"] = partial(self._limits.charge, client)

    def _limited(self, receive: Receive, headers: Headers) -> Receive:
        too_large = TooLargeError(f"the body is larger than {self._max_body:,} bytes")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_body:
            raise too_large
        received, complete = 0, False
        deadline = asyncio.get_running_loop().time() + _BODY_SECONDS

        async def limited() -> Message:
            nonlocal received, complete
            if complete:  # now it waits for the client to leave, which may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body took too long to arrive") from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._max_body:  # FastAPI lets no other kind of error through here
                raise HTTPException(too_large.status, str(too_large))
            return message

        return limited


class _Request:
    """One request on its way through: adds headers to its answer, and counts it."""

    def __init__(
        self,
        scope: Scope,
        headers: Headers,
        send: Send,
        metrics: Metrics,
        log: Any,
        tracing: Tracing | None,
    ) -> None:
        self._scope = scope
        self._log = log
        self._metrics = metrics
        self._send = send
        self._started = time.perf_counter()
        self.status = 500
        self._begun = False
        given = headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else f"{_draw(128):032x}"
        self._timing = scope.setdefault("state", {})["timing"] = Timing()
        of_request.set(self._timing)  # of this task alone
        self.ids = {"request_id": self.id}
        self._trace = None
        if tracing and (trace := tracing.begin(scope["path"], scope["scheme"], headers)):
            self._trace = trace
            self.ids |= trace.ids

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self.id.encode()),
                (b"server-timing", self._server_timing().encode()),
            ]
        await self._send(message)

    async def fail(self, response: ASGIApp) -> None:
        if not self._begun:  # else the answer has begun; all that is left is to break it off
            await response(self._scope, _no_body, self.send)

    def finish(self) -> None:
        seconds = time.perf_counter() - self._started
        route: Any = self._scope.get("route")
        path = getattr(route, "path", "unmatched")
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        self._metrics.request(method, path, self.status, seconds)
        log = self._log.debug if self.status == 304 else self._log.info  # nothing was sent
        log(
            "request",
            method=method,
            route=path,
            status=self.status,
            milliseconds=round(seconds * 1000, 2),
        )
        if self._trace:
            self._trace.end(
                method="_OTHER" if method == "other" else method,
                route=None if route is None else path,
                status=self.status,
                request_id=self.id,
                timing=self._timing,
                began=self._started,
                seconds=seconds,
            )

    def _server_timing(self) -> str:
        parts = [
            f"{name};dur={1000 * part.seconds:.2f}, " for name, part in self._timing.parts.items()
        ]
        return f"{''.join(parts)}total;dur={1000 * (time.perf_counter() - self._started):.2f}"


async def _no_body() -> Message:
    return {"type": "http.disconnect"}
