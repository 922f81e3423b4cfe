"""The workers of one service, which tell one another what they counted."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Self

from sentiserve.api.activity import Activity
from sentiserve.metrics import Metrics, together

_PATIENCE = 1.0  # seconds that a worker has to tell
_METRICS, _MINUTES = b"metrics\n", b"minutes\n"  # what it is asked


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
        self.activity = Activity(self.metrics)

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
        return together(await self._told(_METRICS))

    async def minutes(self) -> Collection[bytes]:
        """What each worker did in the last hour, as ``activity.together`` takes it."""
        return (await self._told(_MINUTES)).values()

    async def _told(self, what: bytes) -> dict[str, bytes]:
        """What the workers say of that, by worker."""
        paths = sorted(self._directory.iterdir())
        told = await asyncio.gather(*[_ask(path, what) for path in paths])
        return {path.name: t for path, t in zip(paths, told, strict=True) if t}

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                what = await reader.readline()
            writer.write(self.metrics.told() if what == _METRICS else self.activity.told())
            await writer.drain()
        writer.close()


async def _ask(path: Path, what: bytes) -> bytes:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(what)
                return await reader.read()
            finally:
                writer.close()
    return b""
