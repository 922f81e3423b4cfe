"""The service: its address, and the process or the processes that serve there."""

import socket
from functools import partial

import structlog

from sentiserve.api.auth import credentials
from sentiserve.api.tracing import is_wanted
from sentiserve.errors import SettingsError
from sentiserve.logs import configure_logs
from sentiserve.settings import Settings, unknown_variables

_BACKLOG = 2048
_log = structlog.get_logger(__name__)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; accepted requests are answered and recorded first.

    Returns:
        The exit status: the worst of all workers.

    Raises:
        SentiserveError: the address can't be listened on or would let strangers in, or a part
            can't start; the text says what to do.
    """
    configure_logs(settings.log_level, details=settings.log_details)
    for name in unknown_variables():
        _log.warning("no setting has this name", variable=name)
    access = credentials(settings)
    is_wanted()  # traces, which no worker can give if they can't be had
    if settings.insecure_no_auth and not settings.client_rate:
        _log.warning("everybody may ask as often as they like; see SENTISERVE_CLIENT_RATE")
    listeners = listen(settings.host, settings.port, settings.workers)
    try:
        if settings.model is not None:
            from sentiserve.build import with_local_model

            settings = with_local_model(settings)  # here, where Ctrl-C ends it at once
        if settings.workers > 1:
            from sentiserve.api.workers import supervise

            return supervise(settings, listeners, partial(_say_where, listeners[0]))
        from sentiserve.build import loading_model

        with loading_model(settings) as model:
            from sentiserve.api.process import serve  # FastAPI takes as long as the model does

            serve(settings, access, listeners[0], model, partial(_say_where, listeners[0]))
        return 0
    finally:
        for listener in listeners:
            listener.close()


def _say_where(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    _log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")


def listen(host: str, port: int, workers: int = 1) -> list[socket.socket]:
    """A socket for each worker, among which the kernel spreads connections.

    Connections can be made at once, and wait until they are accepted.

    Raises:
        SettingsError: the address can't be had.
    """
    try:
        first = _bound(host, port)  # unshared, or it wouldn't notice another service there
        if workers > 1:
            port = first.getsockname()[1]
            first.close()
            shared = [_bound(host, port, shared=True) for _ in range(workers)]
            first, *others = shared
        else:
            others = []
        first.listen(_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror}; "
            "free it, or choose another with --host and --port"
        ) from error
    return [first, *others]


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
