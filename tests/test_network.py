"""The wall around tests holds."""

import asyncio
import socket

import pytest
from network import walled_in

ELSEWHERE = "192.0.2.1"  # kept free for documents: nobody's


def test_other_machines_are_refused_and_listed() -> None:
    with walled_in() as tried:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((ELSEWHERE, 80), 1)
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 443), 60))
    assert tried == [(ELSEWHERE, 80), (ELSEWHERE, 443)]


def test_this_machine_is_not() -> None:
    with walled_in() as tried, socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname(), 1).close()
    assert tried == []
