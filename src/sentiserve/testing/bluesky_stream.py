"""The stream of a Bluesky on loopback: a Jetstream that says, or fails to say, what it is told."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from sentiserve.testing.server import Fault

DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
POSTS = "app.bsky.feed.post"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = 0.005  # seconds between looks at what is new
_STATUSES = {Fault.FAILED: 500, Fault.UNAVAILABLE: 503, Fault.LIMITED: 429}


def microseconds(moment: datetime) -> int:
    """A time as the stream counts it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def tid(moment: datetime) -> str:
    """A post's key as Bluesky makes it, which tells the time; see https://atproto.com/specs/tid."""
    number = microseconds(moment) << 10
    return "".join(DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def event(
    did: str, operation: str, rkey: str, time_us: int, record: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a Jetstream says of a change to a post."""
    commit: dict[str, Any] = {
        "rev": tid(_EPOCH + timedelta(microseconds=time_us)),
        "operation": operation,
        "collection": POSTS,
        "rkey": rkey,
    }
    if record is not None:
        commit |= {"record": record, "cid": f"bafy{rkey}"}
    return {"did": did, "time_us": time_us, "kind": "commit", "commit": commit}


class Stream:
    """Says each message to who is there, and all since the cursor to who comes with one.

    Attributes:
        is_silent: connections stand, but nothing is said.
        listeners: how many are there now, and hear whatever is said next.
    """

    def __init__(self) -> None:
        """Begin with nothing to say."""
        self.is_silent = False
        self.listeners = 0
        self._said: list[tuple[int, str | bytes]] = []
        self._breaks = 0

    def tell(
        self,
        did: str,
        operation: str,
        rkey: str,
        record: Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
    ) -> int:
        """Say that somebody created, updated or deleted a post; returns the event's time."""
        time_us = self._time_after_all(at)
        self._said.append((time_us, json.dumps(event(did, operation, rkey, time_us, record))))
        return time_us

    def say(self, message: str | bytes) -> None:
        """Say anything, nonsense for example."""
        self._said.append((self._time_after_all(), message))

    def break_off(self) -> None:
        """End all connections without a word."""
        self._breaks += 1

    async def serve(self, socket: WebSocket, fault: Fault | None) -> None:
        """Speak to one who has come, until they leave or the connection is to break."""
        if fault in _STATUSES:
            await socket.send_denial_response(PlainTextResponse("", _STATUSES[fault]))
            return
        await socket.accept()
        with suppress(WebSocketDisconnect):
            match fault:
                case Fault.TRUNCATED:
                    return
                case Fault.STALLED:
                    await _left(socket)
                case Fault.NONSENSE:
                    await socket.send_text("<!doctype html><title>Down for maintenance</title>")
                case _:
                    await self._speak(socket)

    def _time_after_all(self, at: datetime | None = None) -> int:
        """A time in microseconds, later than any before: cursors go by it."""
        latest = self._said[-1][0] if self._said else 0
        return max(latest + 1, microseconds(at or datetime.now(UTC)))

    async def _speak(self, socket: WebSocket) -> None:
        since = int(socket.query_params.get("cursor", self._time_after_all()))
        breaks, position = self._breaks, 0
        left = asyncio.create_task(_left(socket))
        self.listeners += 1
        try:
            while not left.done() and breaks == self._breaks:
                if not self.is_silent:
                    position = await self._speak_on(socket, position, since)
                await asyncio.sleep(_TICK)
        finally:
            self.listeners -= 1
            left.cancel()

    async def _speak_on(self, socket: WebSocket, position: int, since: int) -> int:
        said = self._said[position:]
        for time_us, message in said:
            if time_us < since:
                continue
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)
        return position + len(said)


async def _left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
