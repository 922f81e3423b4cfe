"""uvicorn's connection over llhttp, with a bound on what it lacks one for: a request's head."""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 << 10  # bytes of a request's line and headers
_HEAD_SECONDS = 20.0  # from its first byte to its last
_REFUSAL = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = _REFUSAL % b"431 Request Header Fields Too Large"
_TOO_SLOW = _REFUSAL % b"408 Request Timeout"


class Connection(HttpToolsProtocol):
    """A connection that is closed on clients whose heads are too long, or take too long."""

    _head = 0  # bytes, at least, of the head that is being received
    _in_head = True
    _deadline: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._in_head:
            self._head += len(data)
            if self._deadline is None:
                self._deadline = self.loop.call_later(_HEAD_SECONDS, self._refuse, _TOO_SLOW)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEAD:
            self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._head_ended()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        super().on_message_complete()
        self._in_head = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._head_ended()
        super().connection_lost(exc)

    def _head_ended(self) -> None:
        self._in_head, self._head = False, 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, answer: bytes) -> None:
        self._head_ended()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
