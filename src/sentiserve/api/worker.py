"""One worker of several: a process that its parent tells what to do, and that ends with it.

python -P -m sentiserve.api.worker < what it is told
"""

import asyncio
import os
import pickle
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from sentiserve.errors import SentiserveError
from sentiserve.logs import configure_logs
from sentiserve.settings import Settings

READY = b"ready\n"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker is told.

    Attributes:
        number: which of the workers it is, from 0.
        listener: the descriptor of the socket that its connections come from.
        directory: where the workers meet.
    """

    settings: Settings
    number: int
    listener: int
    directory: Path


def main() -> None:
    """Serve until SIGTERM, or until the parent is gone."""
    told: Told = pickle.load(sys.stdin.buffer)  # noqa: S301  # of our own parent
    settings = told.settings
    configure_logs(settings.log_level, details=settings.log_details, worker=told.number)
    try:
        _serve(told)
    except SentiserveError as error:
        _log.error("cannot serve", reason=str(error))
        sys.exit(1)


def _serve(told: Told) -> None:
    from sentiserve.build import loading_model

    with loading_model(told.settings) as model, socket.socket(fileno=told.listener) as listener:
        from sentiserve.api.auth import credentials
        from sentiserve.api.process import serve  # FastAPI takes as long as the model does
        from sentiserve.api.siblings import Siblings

        siblings = Siblings(told.directory, told.number)
        serve(told.settings, credentials(told.settings), listener, model, _on_ready, siblings)


def _on_ready() -> None:
    os.write(sys.stdout.fileno(), READY)
    loop = asyncio.get_running_loop()

    def parent_ended() -> None:
        loop.remove_reader(sys.stdin)
        os.kill(os.getpid(), signal.SIGTERM)

    # The parent's end of the pipe is closed when it ends, however that comes about.
    loop.add_reader(sys.stdin, parent_ended)


if __name__ == "__main__":
    main()
