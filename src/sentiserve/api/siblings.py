"""The workers of one service, which tell one another what they counted."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Self

from sentiserve.metrics import Metrics, together

_PATIENCE = 1.0  # seconds that a worker has to tell


class Siblings:
    """This worker's figures for the others, and theirs, over sockets in a private directory.

    A worker that doesn't answer is left out; it will count from zero when it was replaced.
    """

    def __init__(self, directory: Path, number: int) -> None:
        """Take the directory that all workers share, and which of them this is."""
        self._directory = directory
        self._path = directory / str(number)
        self._server: asyncio.Server | None = None
        self.metrics = Metrics()

    async def __aenter__(self) -> Self:
        """Tell whoever asks from now on."""
        self._server = await asyncio.start_unix_server(self._tell, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def exposition(self) -> bytes:
        """The figures of all workers in Prometheus' text format, each with the label worker."""
        paths = sorted(self._directory.iterdir())
        told = await asyncio.gather(*[_ask(path) for path in paths])
        return together({path.name: t for path, t in zip(paths, told, strict=True) if t})

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(self.metrics.told())
            await writer.drain()
        writer.close()


async def _ask(path: Path) -> bytes:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return await reader.read()
            finally:
                writer.close()
    return b""
