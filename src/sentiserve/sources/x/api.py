"""Asking X's API, version 2: within its limits and ours, with errors that say what to do."""

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr

from sentiserve.errors import (
    BadInputError,
    BudgetExhaustedError,
    NotFoundError,
    PostProtectedError,
    QuotaExhaustedError,
    SentiserveError,
    SettingsError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.sources.web import Reply, Web
from sentiserve.sources.x.budget import Budget, Reservation
from sentiserve.sources.x.posts import Problem, problems

_WINDOW = 15 * 60  # seconds; X counts requests by such windows
# Of an answer. A hundred long posts, 25,000 characters each, may come with what they retweet.
_MAX_BYTES = 32 << 20
_TOKENS = ("pagination_token", "next_token", "until_id")


class Token:
    """A bearer token, and the setting that it comes from."""

    def __init__(self, secret: SecretStr, setting: str) -> None:
        """Take it.

        Raises:
            SettingsError: it can't be one.
        """
        value = secret.get_secret_value().strip()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise SettingsError(f"{setting} is no token: it holds what no token does")
        self._value = SecretStr(value)
        self.setting = setting

    @property
    def headers(self) -> dict[str, str]:
        """What shows it to X."""
        return {"authorization": f"Bearer {self._value.get_secret_value()}"}


class Limit:
    """How often one endpoint may still be asked, as X said last."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._remaining: int | None = None
        self._reset = 0.0  # seconds since 1970

    def take(self) -> None:
        """Count a request.

        Raises:
            QuotaExhaustedError: X would refuse it.
        """
        wait = self._reset - time.time()
        if self._remaining is None or wait <= 0:
            return
        if self._remaining <= 0:
            seconds = min(math.ceil(wait), _WINDOW)
            raise QuotaExhaustedError("X wants to be asked less often", seconds)
        self._remaining -= 1

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer says."""
        try:
            remaining = int(headers["x-rate-limit-remaining"])
            reset = float(headers["x-rate-limit-reset"])
        except (KeyError, ValueError):
            return
        # Answers overtake one another: within a window the lowest number is the newest.
        if reset == self._reset and self._remaining is not None:
            remaining = min(remaining, self._remaining)
        self._remaining, self._reset = remaining, reset


class Api:
    """X's API with one token."""

    def __init__(self, url: str, token: Token, budget: Budget, timeout: float) -> None:
        """Take where it is, who asks, what may be read, and the seconds for an answer."""
        self._web = Web(
            "X",
            url,
            timeout=timeout,
            headers=token.headers,
            max_bytes=_MAX_BYTES,
            refusal=Refusal(token.setting),
        )
        self._budget = budget
        self._limits: dict[str, Limit] = {}

    async def open(self) -> None:
        """Make ready; nothing is sent."""
        await self._web.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    def reserved(self, wanted: int, least: int = 1) -> AbstractAsyncContextManager[Reservation]:
        """Reads to spend inside; see ``Budget.reserved``."""
        return self._budget.reserved(wanted, least)

    def exhausted(self) -> BudgetExhaustedError:
        """The error for what can't be read any more today."""
        return self._budget.exhausted()

    async def read(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str],
        reservation: Reservation,
        count: Callable[[Any], int],
    ) -> Any:
        """What X says to a request that is paid for by what comes back.

        Args:
            endpoint: names what X's limit of requests is for.
            path: of the request.
            params: of its query.
            reservation: what may be spent on it.
            count: the reads that an answer costs.

        Raises:
            QuotaExhaustedError: X would refuse it, or did.
            SourceError: there is no answer.
        """
        limit = self._limits.setdefault(endpoint, Limit())
        limit.take()

        def watch(status: int, headers: Mapping[str, str]) -> None:
            limit.learn(headers)
            reservation.saw(status)

        reply = await self._web.get(path, params, watch)
        answer = reply.json()
        reservation.spent = count(answer)
        return answer

    async def send(self, method: str, path: str, body: object = None) -> Any:
        """What X says to a request that costs nothing.

        Raises:
            SourceError: there is no answer.
        """
        limit = self._limits.setdefault(f"{method} {path}", Limit())
        limit.take()
        reply = await self._web.send(
            method, path, None, body, lambda _, headers: limit.learn(headers)
        )
        return reply.json()

    def stream(
        self, path: str, params: Mapping[str, str], silence: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Lines as X sends them; see ``Web.stream``."""
        return self._web.stream(path, params, silence=silence)


class Refusal:
    """Says which error an answer means that no other try would change."""

    def __init__(self, setting: str) -> None:
        """Name the setting that the token comes from."""
        self._setting = setting

    def __call__(self, reply: Reply) -> SentiserveError | None:
        """The error, if the answer is one."""
        if reply.status == HTTPStatus.OK and b'"errors"' not in reply.body:
            return None  # most answers; they needn't be read twice
        said = _problems(reply)
        spent = next((problem for problem in said if problem.is_spent), None)
        if spent and b'"data"' not in reply.body:
            return _spent(spent)
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            return SourceRefusedError(
                f"X redirects to another address (status {reply.status}), which is not followed; "
                "look at SENTISERVE_X_URL"
            )
        if HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._refused(reply, said[0] if said else Problem("", "", "no reason given"))
        return None

    def _refused(self, reply: Reply, first: Problem) -> SentiserveError | None:
        match reply.status:
            case HTTPStatus.UNAUTHORIZED:
                return SourceRefusedError(
                    f"X refuses the token; set {self._setting} to one that is valid"
                )
            case HTTPStatus.PAYMENT_REQUIRED:
                return _spent(first)
            case HTTPStatus.FORBIDDEN:
                return self._forbidden(first)
            case HTTPStatus.NOT_FOUND:
                return _nothing_there(first)
            case HTTPStatus.TOO_MANY_REQUESTS:
                return _too_many(first)
        return _bad_request(reply, first)

    def _forbidden(self, problem: Problem) -> SentiserveError:
        match problem.kind:
            case "not-authorized-for-resource":
                return PostProtectedError("on X, the author shows this to followers only")
            case "client-forbidden":
                return SourceRefusedError(
                    f"X doesn't let the app of {self._setting} do this; its project at X's "
                    f"developer console decides: {problem}"
                )
            case "unsupported-authentication":
                return SourceRefusedError(
                    f"X wants another kind of token than {self._setting}: {problem}"
                )
        return SourceRefusedError(f"X refuses what was asked with {self._setting}: {problem}")


def _problems(reply: Reply) -> list[Problem]:
    try:
        return problems(reply.json())
    except SourceError:
        return []


def _spent(problem: Problem) -> BudgetExhaustedError:
    return BudgetExhaustedError(
        f"what may be read from X is used up, and X's developer console sells more: {problem}"
    )


def _nothing_there(problem: Problem) -> SentiserveError:
    if problem.kind == "resource-not-found":
        return NotFoundError(f"X has no such thing: {problem}")
    return SourceRefusedError(f"X has no such endpoint; look at SENTISERVE_X_URL: {problem}")


def _too_many(problem: Problem) -> SentiserveError | None:
    """More connections than one; what else is too much, passes by itself."""
    if problem.kind == "streaming-connection":
        return SourceError(f"X has another stream open for this app: {problem}")
    return None


def _bad_request(reply: Reply, problem: Problem) -> SentiserveError:
    text = reply.body.decode(errors="replace")
    if any(f'"{name}"' in text for name in _TOKENS):
        return BadInputError(f"X doesn't go on from this cursor: {problem}")
    return SourceRefusedError(f"X refuses the request: {problem}")
