"""Whether a server speaks TLS where the URL says that it doesn't, or the other way round."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url

from sentiserve.store.redis_urls import Url

_PATIENCE = 1.0  # seconds


async def tls_mistake(url: Url) -> str | None:
    """What is wrong with the URL's scheme, and what to do; no credentials are sent."""
    options: dict[str, Any] = dict(parse_url(url.plain))
    if "path" in options:
        return None
    place = options.get("host", "localhost"), options.get("port", 6379)
    kind = "redis+cluster" if url.is_cluster else "redis"
    if options.get("connection_class") is SSLConnection:
        if await _speaks_plainly(*place):
            return f"it doesn't speak TLS; write {kind}://, or enable TLS there"
    elif await _speaks_tls(*place):
        return f"it wants TLS; write {kind.replace('redis', 'rediss')}://"
    return None


async def _speaks_plainly(host: str, port: int) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"PING\r\n")
                return await reader.read(1) in {b"+", b"-"}  # without a login it is an error
            finally:
                writer.transport.abort()
    return False


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # whoever it is: nothing is told to it
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.transport.abort()
            return True
    return False
