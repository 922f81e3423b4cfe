"""Addresses of hosts: found out once, and only public ones."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2
import structlog

from sentiserve.errors import SourceError

Resolve = Callable[[str], Sequence[str]]

_log = structlog.get_logger(__name__)
_PATIENCE = 5.0  # seconds until the addresses of a host are there
_FRESH = 60.0  # seconds for which they are good
_PUBLIC = IPv6Network("2000::/3")  # all that was ever given out
_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address is in its last bits
# Python's ``is_global`` has come to know these at different times.
_REFUSED = [
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # Teredo, with an IPv4 address inside, and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, with an IPv4 address inside
        "3fff::/20",
    )
]


def is_public(address: str) -> bool:
    """Whether it is an address on the internet: of one machine, and in no private network."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        ip = IPv4Address(int(ip) & 0xFFFF_FFFF)
    if isinstance(ip, IPv6Address) and (ip.scope_id or ip not in _PUBLIC):
        return False
    is_special = ip.is_multicast or ip.is_reserved or any(ip in network for network in _REFUSED)
    return ip.is_global and not is_special


def system_addresses(host: str) -> Sequence[str]:
    """What the system says; it may wait for long."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Addresses:
    """A host's addresses, each of them checked, good for a minute."""

    def __init__(self, host: str, resolve: Resolve, is_allowed: Callable[[str], bool]) -> None:
        """Take what finds addresses, and what says of each whether it may be asked."""
        self._host = host
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._asked: Future[Sequence[str]] | None = None
        self._known: Sequence[str] = ()
        self._good_until = 0.0

    async def get(self) -> Sequence[str]:
        """The addresses, one at least.

        Raises:
            SourceError: one of them may not be asked.
            httpx2.ConnectError: there are none.
            httpx2.ConnectTimeout: they can't be found out in time.
        """
        if time.monotonic() >= self._good_until:
            self._known = self._checked(await self._find())
            self._good_until = time.monotonic() + _FRESH
        return self._known

    def forget(self) -> None:
        """Find them out anew when they are needed again."""
        self._good_until = 0.0

    def _checked(self, addresses: Sequence[str]) -> Sequence[str]:
        refused = [address for address in addresses if not self._is_allowed(address)]
        if refused:  # not said to whoever asked: it would show them the inside of our network
            _log.error("host has an address that is not public", host=self._host, address=refused)
            raise SourceError(f"{self._host} has an address that is not public, and is not asked")
        if not addresses:
            raise httpx2.ConnectError("no address")
        return addresses

    async def _find(self) -> Sequence[str]:
        # Never more than one thread for a host, however long the system takes for an answer.
        if self._asked is None or self._asked.done():
            self._asked = _in_thread(self._resolve, self._host)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._asked), _PATIENCE)
        except TimeoutError:
            raise httpx2.ConnectTimeout("no address in time") from None
        except (OSError, UnicodeError):
            raise httpx2.ConnectError("no address") from None


def _in_thread(resolve: Resolve, host: str) -> Future[Sequence[str]]:
    """Run it in a thread that nobody waits for when the process ends."""
    outcome: Future[Sequence[str]] = Future()
    outcome.set_running_or_notify_cancel()  # one who leaves can't cancel it for the others

    def run() -> None:
        try:
            outcome.set_result(resolve(host))
        except Exception as error:  # noqa: BLE001  # whoever waits gets it
            outcome.set_exception(error)

    threading.Thread(target=run, name=f"resolve {host}", daemon=True).start()
    return outcome
