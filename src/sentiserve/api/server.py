"""The process around the app: its socket, its server, its logs, its end."""

import math
import signal
import socket
from contextlib import AsyncExitStack

import structlog
import uvicorn
import uvloop

from sentiserve.api.app import create_app
from sentiserve.api.auth import Credentials, credentials
from sentiserve.api.connection import Connection
from sentiserve.build import running, with_local_model
from sentiserve.emf import writing
from sentiserve.errors import SettingsError
from sentiserve.logs import configure_logs
from sentiserve.metrics import Metrics
from sentiserve.settings import Settings, unknown_variables

_KEEP_ALIVE = 75  # seconds; longer than the 60 of common load balancers, or they meet closed doors
_BACKLOG = 2048
_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; accepted requests are answered and recorded first.

    Raises:
        SentiserveError: the address can't be listened on or would let strangers in, or a part
            can't start; the text says what to do.
    """
    configure_logs(settings.log_level)
    for name in unknown_variables():
        _log.warning("no setting has this name", variable=name)
    access = credentials(settings)
    with _listen(settings.host, settings.port) as listener:
        settings = with_local_model(settings)  # before the loop, where Ctrl-C ends it at once
        uvloop.run(_serve(settings, access, listener))


async def _serve(settings: Settings, access: Credentials, listener: socket.socket) -> None:
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        if settings.metrics == "emf":
            await stack.enter_async_context(writing(metrics, settings.service))
        parts = await stack.enter_async_context(running(settings, metrics))
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(parts, settings, metrics, access),
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn hands a signal on when all requests are answered; the parts close then.
            signal.signal(number, lambda *_: None)
        host, port = listener.getsockname()[:2]
        _log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
        await server.serve(sockets=[listener])
        _log.info("closing")  # all requests are answered; what they left is still recorded
    _log.info("stopped")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror}; "
            "free it, or choose another with --host and --port"
        ) from error
    return listener
