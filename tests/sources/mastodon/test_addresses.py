"""Which addresses are public, and how they are found out."""

import asyncio
import threading
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import SourceError
from sentiserve.sources.mastodon import addresses
from sentiserve.sources.mastodon.addresses import Addresses, is_public, system_addresses

PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "localhost",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_may_be_asked(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=6) | st.ip_addresses(v=4))
def test_whatever_is_public_python_takes_for_global(ip: IPv4Address | IPv6Address) -> None:
    """The rules only ever take away, but for what is translated to IPv4 on its way."""
    if is_public(str(ip)):
        assert ip.is_global
        assert not ip.is_multicast


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_counts_as_itself(ip: IPv4Address) -> None:
    """Translation (NAT64) reaches what the IPv4 address inside reaches."""
    assert is_public(str(IPv6Address(int(IPv6Address("64:ff9b::")) | int(ip)))) == is_public(
        str(ip)
    )


def public(host: str) -> Sequence[str]:
    return ["1.1.1.1", "8.8.8.8"]


async def test_addresses_are_found_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return public(host)

    found = Addresses("host.example", resolve, is_public)
    for _ in range(3):
        assert await found.get() == ["1.1.1.1", "8.8.8.8"]
    assert asked == ["host.example"]
    found.forget()
    await found.get()
    assert len(asked) == 2
    monkeypatch.setattr(addresses, "_FRESH", 0.0)
    found.forget()
    await found.get()
    await found.get()
    assert len(asked) == 4


@pytest.mark.parametrize("private", ["127.0.0.1", "10.1.2.3", "::1"])
async def test_one_address_that_is_not_public_is_enough(private: str) -> None:
    """The host is not asked at all, and the error doesn't say what the address is."""
    found = Addresses("host.example", lambda _: ["1.1.1.1", private], is_public)
    with pytest.raises(SourceError, match="not public") as refused:
        await found.get()
    assert private not in str(refused.value)


async def test_an_answer_that_changes_is_checked_again() -> None:
    """Public first and private later (DNS rebinding) is refused when it is private."""
    answers = iter([["1.1.1.1"], ["127.0.0.1"]])
    found = Addresses("host.example", lambda _: next(answers), is_public)
    assert await found.get() == ["1.1.1.1"]
    found.forget()
    with pytest.raises(SourceError, match="not public"):
        await found.get()


async def test_a_host_without_addresses_cannot_be_reached() -> None:
    with pytest.raises(httpx2.ConnectError):
        await Addresses("host.example", lambda _: [], is_public).get()


async def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    def resolve(host: str) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(httpx2.ConnectError):
        await Addresses("host.example", resolve, is_public).get()


async def test_a_slow_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop goes on, there is one thread for all who wait, and nobody waits for long."""
    monkeypatch.setattr(addresses, "_PATIENCE", 0.2)
    answer = threading.Event()
    asked = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        answer.wait(20)
        return public(host)

    found = Addresses("host.example", resolve, is_public)
    start = time.monotonic()
    outcomes = await asyncio.gather(*(found.get() for _ in range(10)), return_exceptions=True)
    assert time.monotonic() - start < 15
    assert {type(outcome) for outcome in outcomes} == {httpx2.ConnectTimeout}
    monkeypatch.setattr(addresses, "_PATIENCE", 20.0)
    leaver = asyncio.create_task(found.get())
    await asyncio.sleep(0)
    leaver.cancel()
    answer.set()
    assert await found.get() == ["1.1.1.1", "8.8.8.8"]
    assert len(asked) == 1


def test_the_system_knows_this_machine() -> None:
    assert set(system_addresses("localhost")) <= {"127.0.0.1", "::1"}
    assert system_addresses("127.0.0.1") == ["127.0.0.1"]
