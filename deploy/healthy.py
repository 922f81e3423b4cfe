"""Exit with status 0 if the service on this port is alive, or is within four seconds.

The container's health check: it runs every few seconds, so it imports next to nothing
(``python -I -S healthy.py``), and while the service starts it waits, or many of it would run.
"""

import os
import socket
import sys
import time

ADDRESS = ("127.0.0.1", int(os.environ.get("SENTISERVE_PORT") or 8000))
QUESTION = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def is_alive() -> bool:
    """Whether it answers."""
    try:
        with socket.create_connection(ADDRESS, timeout=4) as connection:
            connection.sendall(QUESTION)
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


deadline = time.monotonic() + 4
while not (alive := is_alive()) and time.monotonic() < deadline:
    time.sleep(0.02)
sys.exit(not alive)
