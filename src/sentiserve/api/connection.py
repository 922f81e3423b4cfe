"""uvicorn's connection over llhttp, with bounds on what it lacks them for.

A client can hold a connection, and memory, by what it doesn't send, sends too much of, or doesn't
read. uvicorn bounds the time between requests; the body that the app reads is the gate's.
"""

import resource
from asyncio import BaseTransport, TimerHandle
from typing import ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 << 10  # bytes of a request's line and headers, or of what follows its body
MAX_HEADERS = 100
MAX_PIPELINED = 32  # requests that were sent before the answer to the first
MAX_CONNECTIONS = 10_000  # of this process
_OTHER_FILES = 256  # that the process may have open beside its connections
_HEAD_SECONDS = 20.0  # from its first byte to its last
_REST_SECONDS = 20.0  # for the rest of a body that nobody wanted to read
_READING_SECONDS = 30.0  # in which a client must read some of what it was sent
_READ_AT_LEAST = 64 << 10  # bytes
_REFUSAL = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = _REFUSAL % b"431 Request Header Fields Too Large"
_TOO_SLOW = _REFUSAL % b"408 Request Timeout"
_TOO_MANY = _REFUSAL % b"503 Service Unavailable"


class Connection(HttpToolsProtocol):
    """A connection that is closed on clients who ask for more than their share of it."""

    most: ClassVar[int] = MAX_CONNECTIONS
    _unparsed = 0  # bytes, at least, that are waited on for more until they mean something
    _in_head = True
    _is_deaf = False  # whatever comes is dropped; the connection ends with the last answer
    _deadline: TimerHandle | None = None
    _reading: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first request, as long as for each further one."""
        super().connection_made(transport)  # type: ignore[arg-type]  # it is more than that
        if len(self.connections) > self.most:
            self._refuse(_TOO_MANY)
            return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._is_deaf:
            return
        self._unparsed += len(data)
        if self._in_head and self._deadline is None:
            self._wait(_HEAD_SECONDS, _TOO_SLOW)
        super().data_received(data)
        if self._unparsed > MAX_HEAD:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Take the next request, unless too many wait already."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_listening()
            raise _EnoughError
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer is dropped, for it would look like what a proxy has set."""
        if not self._in_head:
            return
        if len(self.headers) >= MAX_HEADERS:
            self._refuse(_TOO_LARGE)
            raise _EnoughError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_head, self._unparsed = False, 0
        self._end_wait()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head, self._unparsed = True, 0
        self._end_wait()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin with the next; but not before the client has sent all of this one."""
        if not self._in_head and self._deadline is None:
            self._wait(_REST_SECONDS, b"")
        super().on_response_complete()
        self._watch_the_last()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on: it reads."""
        self._end_watch()
        super().resume_writing()
        self._watch_the_last()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing happens."""
        super().timeout_keep_alive_handler()
        self._watch_the_last()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._end_wait()
        self._end_watch()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, unless it was refused already."""
        if not self._is_deaf:
            self._is_deaf = True
            super().send_400_response(msg)
            self._watch_the_last()

    def _watch(self) -> None:
        """Give up a client that reads too little of what it was sent."""
        unread = self.transport.get_write_buffer_size()
        if self._reading is not None or not unread:
            return

        def look() -> None:
            self._reading = None
            if self.transport.get_write_buffer_size() > max(0, unread - _READ_AT_LEAST):
                self.transport.abort()
            else:
                self._watch()

        self._reading = self.loop.call_later(_READING_SECONDS, look)

    def _watch_the_last(self) -> None:
        """A connection that is being closed stays open until the client has read all."""
        if self.transport.is_closing():
            self._watch()

    def _end_watch(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _wait(self, seconds: float, refusal: bytes) -> None:
        self._deadline = self.loop.call_later(seconds, self._refuse, refusal)

    def _end_wait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, answer: bytes) -> None:
        """Say why, and close; but what is being answered is answered first."""
        if self._is_deaf or self.transport.is_closing():
            return
        self._end_wait()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_listening()
            return
        self._is_deaf = True
        if answer:
            self.transport.write(answer)
        self.transport.close()
        self._watch_the_last()

    def _stop_listening(self) -> None:
        """Read no more; the connection closes when all that was asked so far is answered."""
        self._is_deaf = True
        self.cycle.keep_alive = False  # of the request that came last


def connections_possible() -> int:
    """How many fit into what this process may open, once it is allowed as much as can be."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        most = MAX_CONNECTIONS + _OTHER_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return max(1, min(MAX_CONNECTIONS, most - _OTHER_FILES))


class _EnoughError(httptools.HttpParserError):
    """What stops the parser."""
