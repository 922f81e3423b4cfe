"""The way to Redis: URLs, time limits, and errors that say what to do."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis.asyncio as redis
import structlog
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from sentiserve.errors import RefusedError, StoreDownError, StoreError
from sentiserve.store.redis_tls import tls_mistake
from sentiserve.store.redis_urls import Url

_log = structlog.get_logger(__name__)
Command = tuple[str | bytes | int | float, ...]

_CONNECTIONS = 32  # at most; more questions wait for one to be free
_CONNECT, _PATIENCE = 2.0, 4.0  # seconds to connect, and for all until the answer
_SCAN = 300  # keys that one SCAN looks at
_OLDEST = 7  # major version
_SAFE_POLICIES = {"noeviction", "volatile-ttl"}
# What a script or a key's content makes of one record; all other errors are the server's state.
_REFUSALS = ("user_script:", "WRONGTYPE ")
_UNREACHED = {
    exceptions.ConnectionError,  # and not those that are of this kind too, as a refused login
    exceptions.TimeoutError,
    exceptions.RedisClusterException,
}
_DOWN = {
    exceptions.BusyLoadingError,
    exceptions.ClusterDownError,
    exceptions.ConnectionError,
    exceptions.MasterDownError,
    exceptions.TimeoutError,
}
_ELSE = "or name another store with SENTISERVE_STORE"
_ADVICE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (
        (exceptions.AuthenticationError, exceptions.AuthenticationWrongNumberOfArgsError),
        "it refuses the login",
        "write user and password into the URL, redis://USER:PASSWORD@HOST",
    ),
    (exceptions.NoPermissionError, "the user may not do this", "see docs/operation.md for its ACL"),
    (exceptions.ReadOnlyError, "it is a replica", "name the primary, which takes writes"),
    (exceptions.OutOfMemoryError, "it is full", "raise its maxmemory, or forget something"),
    (
        (exceptions.MovedError, exceptions.AskError),
        "it is a cluster",
        "write redis+cluster:// or rediss+cluster://",
    ),
    (exceptions.BusyLoadingError, "it is loading its data", "wait, and try again"),
    (
        (exceptions.ClusterError, exceptions.RedisClusterException),
        "it is no cluster that answers",
        f"see its CLUSTER INFO, write redis:// if it is a single server, {_ELSE}",
    ),
    (
        (exceptions.TimeoutError, TimeoutError),
        "no answer in time",
        f"see whether it is overloaded or behind a firewall, {_ELSE}",
    ),
    (
        (exceptions.ConnectionError, OSError),
        "it cannot be reached",
        f"start it, or write rediss:// if it wants TLS, {_ELSE}",
    ),
)


class Connection:
    """A client of one server or of a cluster, with a bounded number of connections."""

    def __init__(self, url: Url) -> None:
        """Take the URL; nothing is connected before ``open``."""
        self._url = url
        self._client: Any = None
        self._free = asyncio.Semaphore(_CONNECTIONS)

    async def open(self) -> None:
        """Connect, and see whether the server will do.

        Raises:
            StoreDownError: it can't be reached, or is still loading.
            StoreError: it refuses the login, is too old or a replica.
        """
        await self.close()
        self._free = asyncio.Semaphore(_CONNECTIONS)  # of this event loop
        with self._errors():
            self._client = self._make()
        try:
            await self._examine()
        except BaseException as error:
            await self.close()
            if type(error.__cause__) in _UNREACHED and (why := await tls_mistake(self._url)):
                raise self._error(why) from error
            raise

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def run(self, *commands: Command) -> list[Any]:
        """The answers to the commands, which are sent together; each lies in one slot.

        Raises:
            StoreError: one of them failed, or there was no answer in time.
            RefusedError: the server works, but one of them can never be done.
        """
        if not commands:
            return []
        if len(commands) == 1:
            return [await self._answer(self._opened.execute_command, *commands[0])]
        pipeline = self._opened.pipeline(transaction=None if self._url.is_cluster else False)
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = await self._answer(pipeline.execute, raise_on_error=False)
        with self._errors():
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    async def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """All keys that the pattern finds, some of them twice."""
        on: list[dict[str, Any]] = [{}]
        if self._url.is_cluster:
            on = [{"target_nodes": node} for node in self._opened.get_primaries()]
        for node in on:
            cursor: int | None = None
            while cursor != 0:
                cursor, keys = await self._answer(
                    self._opened.scan, cursor or 0, match=pattern, count=_SCAN, **node
                )
                if isinstance(cursor, dict):  # a cluster's client has one for each node
                    (cursor,) = cursor.values()
                yield keys

    @property
    def _opened(self) -> Any:
        if self._client is None:
            raise StoreError("the store is not open")
        return self._client

    def _make(self) -> Any:
        settings: dict[str, Any] = {
            "protocol": 3,
            "max_connections": _CONNECTIONS,
            "socket_connect_timeout": _CONNECT,
            # Ours is around the whole; theirs makes a task of every command, and before Python
            # 3.12 that task sometimes keeps a cancellation to itself (python/cpython#86296).
            "socket_timeout": None,
            # These would allow answers to lie unread on a connection.
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
            # Once: a connection that was kept may have ended while nobody used it.
            "retry": Retry(NoBackoff(), 1, (exceptions.ConnectionError,)),
        }
        if self._url.is_cluster:
            return redis.RedisCluster.from_url(self._url.plain, **settings)
        return redis.Redis.from_url(self._url.plain, **settings)

    async def _examine(self) -> None:
        node = {"target_nodes": redis.RedisCluster.RANDOM} if self._url.is_cluster else {}
        try:
            with self._errors(exceptions.NoPermissionError):
                async with asyncio.timeout(_PATIENCE):
                    info = await self._opened.info(**node)
        except exceptions.NoPermissionError:  # the user may do all that we need, but not ask
            await self.run(("PING",))
            return
        version = str(info["redis_version"])
        if int(version.partition(".")[0]) < _OLDEST:
            raise self._error(f"it is version {version}; version {_OLDEST} or newer is needed")
        if info["role"] != "master" and not self._url.is_cluster:
            raise self._error("it is a replica; name the primary, which takes writes")
        if info.get("cluster_enabled") and not self._url.is_cluster:
            raise self._error("it is a cluster; write redis+cluster:// or rediss+cluster://")
        policy = info.get("maxmemory_policy", "noeviction")
        if info.get("maxmemory") and policy not in _SAFE_POLICIES:
            _log.warning(
                "redis may evict what aggregates need: set maxmemory-policy to volatile-ttl or "
                "noeviction",
                policy=policy,
            )

    async def _answer(self, ask: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        with self._errors():
            async with asyncio.timeout(_PATIENCE), self._free:
                return await ask(*args, **options)

    @contextmanager
    def _errors(self, *but: type[Exception]) -> Iterator[None]:
        try:
            yield
        except (StoreError, RefusedError):
            raise
        except (exceptions.RedisError, exceptions.RedisClusterException, OSError) as error:
            if isinstance(error, but):
                raise
            if is_refusal(error):
                why = f"{error}; see whether something else writes keys that begin with ss1:"
                raise RefusedError(f"the store {self._url.name} refuses this: {why}") from error
            kind = StoreDownError if is_down(error) else StoreError
            raise self._error(_advice(error), kind) from error

    def _error(self, why: str, kind: type[StoreError] = StoreError) -> StoreError:
        return kind(f"the store {self._url.name} cannot be used: {why}")


def is_refusal(error: Exception) -> bool:
    """Whether the server works, but a script or a key's content stands against a command."""
    is_plain = type(error) is exceptions.ResponseError
    return is_plain and str(error).startswith(_REFUSALS)


def is_down(error: Exception) -> bool:
    """Whether nobody answers now, or not yet; and not that a setting is wrong."""
    said: BaseException = error
    if isinstance(error, exceptions.RedisClusterException):
        if error.__cause__ is None:  # its nodes don't agree, or some are missing
            return True
        said = error.__cause__  # by the last of its nodes
    if isinstance(said.__context__, ssl.SSLCertVerificationError):
        return False
    return type(said) in _DOWN or isinstance(said, OSError)


def _advice(error: Exception) -> str:
    for kinds, what, todo in _ADVICE:
        if isinstance(error, kinds):
            return f"{what} ({error}); {todo}" if str(error) else f"{what}; {todo}"
    return f"{error}; see its log"
