"""Exit with status 0 while the service on this port is alive: the container's health check.

It runs every few seconds, so it imports next to nothing: ``python -I -S healthy.py``.
"""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(os.environ.get("SENTISERVE_PORT") or 8000)), 4) as to:
    to.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    sys.exit(not to.recv(64).startswith(b"HTTP/1.1 200 "))
