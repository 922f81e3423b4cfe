"""Connections to one host by TLS, on addresses that were checked.

A name is turned into addresses once. They are checked, and the connection goes to one of them
and not to the name, so that no later answer of the name's owner leads elsewhere. TLS proves
that the host is the one that was named.
"""

import asyncio
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx2

from sentiserve.sources.mastodon.addresses import Addresses, Resolve, is_public, system_addresses

_CONNECT = 2.0  # seconds for an address, so that there is time for the next
_HTTPS = 443


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to one host, and to no other."""

    def __init__(
        self,
        host: str,
        *,
        resolve: Resolve = system_addresses,
        is_allowed: Callable[[str], bool] = is_public,
        port: int = _HTTPS,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        """Take the host; the rest is for tests, whose servers are on this machine.

        Args:
            host: whose name the certificate must have.
            resolve: finds the host's addresses, and may wait for them.
            is_allowed: says of an address whether it may be asked.
            port: where connections go in place of 443.
            verify: the authorities that are trusted; those of the system if not given.
        """
        self._host = host
        self._port = port
        self._addresses = Addresses(host, resolve, is_allowed)
        self._verify = verify
        self._connections: httpx2.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it to the first of the host's addresses that can be reached.

        Raises:
            SourceError: the host has an address that is not public.
            httpx2.TransportError: it can't be reached, or the request is for another host.
        """
        url = request.url
        if (url.scheme, url.host, url.port, url.userinfo) != ("https", self._host, None, b""):
            raise httpx2.UnsupportedProtocol(f"only https://{self._host} is asked")
        *others, last = await self._addresses.get()
        for address in others:
            try:
                return await self._send(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        try:
            return await self._send(request, last)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._addresses.forget()
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.aclose()

    async def _connecting(self) -> httpx2.AsyncHTTPTransport:
        """What connects; made when it is needed first, so that no start waits for it."""
        verify = self._verify
        if verify is None:
            verify = await asyncio.to_thread(_authorities)
        if self._connections is None:
            # No proxy: it would look the name up again.
            self._connections = httpx2.AsyncHTTPTransport(verify=verify, trust_env=False)
        return self._connections

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        extensions = {
            **request.extensions,
            "timeout": {**limits, "connect": _CONNECT},
            "sni_hostname": self._host,  # the certificate is held to it, too
        }
        connections = await self._connecting()
        return await connections.handle_async_request(
            httpx2.Request(
                request.method,
                request.url.copy_with(host=address, port=self._port),
                headers=request.headers,  # with the host's name, as it was asked
                stream=request.stream,
                extensions=extensions,
            )
        )


@cache
def _authorities() -> ssl.SSLContext:
    """Whom the system trusts; reading that takes a while: once."""
    return httpx2.create_ssl_context(trust_env=False)
