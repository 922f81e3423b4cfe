"""Who asks: the address that a connection comes from, or that a trusted proxy names."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Network = IPv4Network | IPv6Network
_FORWARDED = b"x-forwarded-for"
_HOME = 64  # bits of an IPv6 address that one customer of a network commonly has for all of theirs
_UNKNOWN = "unknown"


class Clients:
    """Tells clients apart by their addresses; what they say of themselves is not believed."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        """Take the networks whose machines are trusted to name whom they ask for."""
        self._proxies = tuple(proxies)
        self._is_proxy = lru_cache(4096)(self._look_up)

    def address(self, scope: Scope) -> str:
        """The client of a request: an IPv4 address, or the /64 network of an IPv6 one."""
        peer = scope["client"][0] if scope["client"] else _UNKNOWN
        if self._proxies and self._is_proxy(peer):
            peer = self._named(scope, peer)
        return _home(peer)

    def _named(self, scope: Scope, peer: str) -> str:
        """The last address in X-Forwarded-For that is no proxy's: the others are anybody's word."""
        values = [value for name, value in scope["headers"] if name == _FORWARDED]
        for address in reversed(b",".join(values).decode("latin-1").split(",")):
            address = address.strip()
            if _parsed(address) is None:
                return peer
            peer = address
            if not self._is_proxy(address):
                return peer
        return peer

    def _look_up(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._proxies)


@lru_cache(4096)
def _home(address: str) -> str:
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed.packed[: _HOME // 8].ljust(16, b"\0"), _HOME)))
    return _UNKNOWN if parsed is None else str(parsed)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
