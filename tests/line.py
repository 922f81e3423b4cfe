"""A line to a server that counts what it carries, and can be cut or held."""

import contextlib
import socket
import threading
import time
from typing import Self

CHUNK = 1 << 17


class Line:
    """A TCP port on loopback whose connections lead to another."""

    def __init__(self, port: int) -> None:
        """Lead to a port of this machine."""
        self.carried = 0  # bytes from the server
        self._target = port
        self._cuts: list[int] = []
        self._held_at: int | None = None
        self._state = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Carry."""
        self._accepting = self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def cut(self, *after: int) -> None:
        """End the connection after so many bytes, and again after so many; then no more."""
        self._cuts = list(after)

    def die(self, after: int) -> None:
        """End the connection after so many bytes, and every other one at once."""
        self.cut(after, *[0] * 100)

    def hold(self, after: int) -> None:
        """Carry so many bytes, and then none, without an end before ``mend``."""
        self._held_at = self.carried + after

    def mend(self) -> None:
        """Carry all on new connections, and count anew."""
        self._cuts, self._held_at, self.carried = [], None, 0

    @property
    def held(self) -> bool:
        """Whether bytes wait."""
        return self._held_at is not None and self.carried >= self._held_at

    def _start(self, target: object, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        return thread

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            asking = self._start(self._ask, client, server)
            with contextlib.suppress(OSError):
                while chunk := server.recv(CHUNK):
                    if self._was_held():
                        break
                    chunk, last = self._allowed(chunk)
                    client.sendall(chunk)
                    if last:
                        break
            for side in (client, server):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            asking.join()

    def _was_held(self) -> bool:
        """Whether bytes had to wait; such a connection is not taken up again."""
        waited = self.held
        while self.held:
            time.sleep(0.01)
        return waited

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(CHUNK):
                server.sendall(chunk)

    def _allowed(self, chunk: bytes) -> tuple[bytes, bool]:
        with self._state:
            last = bool(self._cuts) and len(chunk) >= self._cuts[0]
            if last:
                chunk = chunk[: self._cuts.pop(0)]
            elif self._cuts:
                self._cuts[0] -= len(chunk)
            self.carried += len(chunk)
            return chunk, last
