"""One process that serves: its parts, its app, its HTTP server, and its end."""

import asyncio
import gc
import math
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from types import FrameType

import structlog
import uvicorn
import uvloop

from sentiserve.api.activity import Activity
from sentiserve.api.app import create_app
from sentiserve.api.auth import Credentials
from sentiserve.api.connection import Connection, connections_possible
from sentiserve.api.siblings import Siblings
from sentiserve.api.tracing import traced
from sentiserve.build import running
from sentiserve.emf import writing
from sentiserve.metrics import Metrics
from sentiserve.protocols import Model
from sentiserve.settings import Settings

_log = structlog.get_logger(__name__)
_INTERPRETER = 0.001  # seconds that the loop waits for it at most, while a thread computes


def serve(
    settings: Settings,
    access: Credentials,
    listener: socket.socket,
    model: Future[Model],
    on_ready: Callable[[], object],
    siblings: Siblings | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; accepted requests are answered and recorded first.

    Args:
        settings: all of them.
        access: who may ask.
        listener: where requests come from.
        model: being loaded.
        on_ready: called when requests are answered.
        siblings: the other workers, if there are any.

    Raises:
        SentiserveError: a part can't start; the text says what to do.
    """
    Connection.most = connections_possible()
    sys.setswitchinterval(_INTERPRETER)
    uvloop.run(_serve(settings, access, listener, model, on_ready, siblings))


async def _serve(
    settings: Settings,
    access: Credentials,
    listener: socket.socket,
    model: Future[Model],
    on_ready: Callable[[], object],
    siblings: Siblings | None,
) -> None:
    metrics = siblings.metrics if siblings else Metrics()
    async with AsyncExitStack() as stack:
        if siblings:
            await stack.enter_async_context(siblings)
        if settings.metrics == "emf":
            await stack.enter_async_context(writing(metrics, settings.service))
        tracing = await stack.enter_async_context(traced(settings.service))
        parts = await stack.enter_async_context(
            running(settings, metrics, model, store_may_be_down=True)
        )
        activity = siblings.activity if siblings else Activity(metrics)
        await stack.enter_async_context(activity)
        server = Server(settings, on_ready)
        server.config.app = create_app(
            parts, settings, metrics, access, server, activity, siblings, tracing
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn hands a signal on when all requests are answered; the parts close then.
            signal.signal(number, lambda *_: None)
        gc.freeze()  # what is here stays, and needn't be looked through again and again
        await server.serve(sockets=[listener])
        gc.unfreeze()  # what is left of it at the end would be called a leak
        _log.info("closing")  # all requests are answered; what they left is still recorded
    _log.info("stopped")


class Server(uvicorn.Server):
    """uvicorn's, which goes on for a while after it was told to stop.

    Attributes:
        is_stopping: whether it was; load balancers should look for another.
    """

    def __init__(self, settings: Settings, on_ready: Callable[[], object]) -> None:
        """Take the settings; the app is still to be given to ``config``."""
        super().__init__(
            uvicorn.Config(
                "",
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # Clients knows whom to believe
                server_header=False,
                timeout_keep_alive=settings.keep_alive,
                timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
            )
        )
        self._delay = settings.drain_delay
        self._on_ready = on_ready
        self.is_stopping = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after the delay, or at once when told again."""
        if self.is_stopping or not self._delay:
            self.is_stopping = True
            super().handle_exit(sig, frame)
            return
        self.is_stopping = True
        _log.info("stopping", seconds=self._delay)
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay, super().handle_exit, sig, frame)
