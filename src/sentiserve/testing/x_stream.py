"""X's filtered stream: posts for which there is a rule, on one connection at a time."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping

from sentiserve.testing.x_answers import PROBLEMS, Answers, XPost
from sentiserve.testing.x_requests import Refused
from sentiserve.testing.x_rules import Rules

_LOOK = 0.01  # seconds between two looks for something to stream


class Stream:
    """What waits to be streamed, and whoever is connected.

    Attributes:
        rules: which posts are for it, by id.
        connections: how many there have been.
    """

    def __init__(self, answers: Answers, reads: Counter[str], heartbeat: float) -> None:
        """Take what makes answers, where posts are counted, and the seconds between two signs."""
        self.rules: Rules = {}
        self.connections = 0
        self._answers, self._reads, self._heartbeat = answers, reads, heartbeat
        self._published: deque[XPost] = deque()
        self._connected = False
        self._is_stalled = False
        self._hangs_up = False

    def publish(self, *posts: XPost) -> None:
        """Bring these, if a rule is for them; they wait for a connection."""
        self._published.extend(posts)

    def hang_up(self) -> None:
        """End the connection."""
        self._hangs_up = True

    def stall(self) -> None:
        """Go silent; the next connection speaks again."""
        self._is_stalled = True

    @property
    def is_idle(self) -> bool:
        """Whether everything was streamed."""
        return not self._published

    def connected(self, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The lines of a new connection; refused where there is one, or no rule."""
        if self._connected:
            raise Refused(*PROBLEMS["too-many-connections"])
        if not self.rules:
            raise Refused(*PROBLEMS["no-rules"])
        self._connected, self._is_stalled, self._hangs_up = True, False, False
        self.connections += 1
        return self._lines(query)

    async def _lines(self, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        spoke = 0.0
        try:
            while not self._hangs_up:
                if self._published and not self._is_stalled:
                    line = self._line(self._published.popleft(), query)
                elif time.monotonic() - spoke > self._heartbeat and not self._is_stalled:
                    line = b"\r\n"
                else:
                    await asyncio.sleep(_LOOK)
                    continue
                spoke = time.monotonic()
                yield line
        finally:
            self._connected = False

    def _line(self, post: XPost, query: Mapping[str, str]) -> bytes:
        rules = [rule for rule in self.rules.values() if post.has(rule["value"].removeprefix("#"))]
        if not rules:
            return b""
        self._reads[post.id] += 1
        answer = self._answers.of_posts([post], query)
        said = {**answer, "data": answer["data"][0]}
        matching = [{"id": rule["id"], "tag": rule.get("tag", "")} for rule in rules]
        return json.dumps({**said, "matching_rules": matching}).encode() + b"\r\n"
