"""Clients who leave: nobody works for them any longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

_SOON = 0.005  # seconds; what is answered sooner needs nobody who watches the client meanwhile


@asynccontextmanager
async def unless_left(request: Request) -> AsyncIterator[None]:
    """Stop the block when the client closes the connection before it is done.

    The request's body must have been read.

    Raises:
        ClientDisconnect: the client left.
    """
    loop = asyncio.get_running_loop()
    watching: asyncio.Task[None] | None = None

    def watch() -> None:
        nonlocal watching
        watching = loop.create_task(_left(request, patience))

    try:
        async with asyncio.timeout(None) as patience:
            waiting = loop.call_later(_SOON, watch)
            try:
                yield
            finally:
                waiting.cancel()
                if watching is not None:
                    watching.cancel()
    except TimeoutError as error:
        if not patience.expired():
            raise
        raise ClientDisconnect from error


async def _left(request: Request, patience: asyncio.Timeout) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    patience.reschedule(0)  # now
