"""Several sources as one, asked in order."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import structlog

from sentiserve.errors import NotFoundError, SentiserveError, SourceError, SourceTimeoutError
from sentiserve.protocols import Source
from sentiserve.types import Post, PostRef

_log = structlog.get_logger(__name__)


class Chain:
    """Asks each source for what those before it did not have.

    A source that fails or is too slow costs what it alone has: the next one is asked.
    """

    def __init__(self, sources: Mapping[str, Source], timeout: float) -> None:
        """Take the sources by name, and the seconds that each may take."""
        self._sources = sources
        self._timeout = timeout

    def parse(self, url: str) -> PostRef | None:
        """What the first source that knows the URL takes it for."""
        parsed = (source.parse(url) for source in self._sources.values())
        return next((ref for ref in parsed if ref is not None), None)

    async def open(self) -> None:
        """Open every source."""
        for source in self._sources.values():
            await source.open()

    async def close(self) -> None:
        """Close every source."""
        async with AsyncExitStack() as stack:  # one that fails doesn't keep the others open
            for source in self._sources.values():
                stack.push_async_callback(source.close)

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, or of all that the sources said the error that tells most."""
        answers: dict[PostRef, Post | SentiserveError] = {}
        for name, source in self._sources.items():
            missing = [ref for ref in dict.fromkeys(refs) if _worth_asking(answers.get(ref))]
            if not missing:
                break
            for ref, answer in zip(missing, await self._ask(name, source, missing), strict=True):
                if ref not in answers or _tells_more(answer, answers[ref]):
                    answers[ref] = answer
        return [answers[ref] for ref in refs]

    async def _ask(
        self, name: str, source: Source, refs: Sequence[PostRef]
    ) -> Sequence[Post | SentiserveError]:
        error: SentiserveError
        try:
            async with asyncio.timeout(self._timeout):
                answers = await source.fetch(refs)
            if len(answers) == len(refs):
                return answers
            error = SourceError(f"the source {name} answered {len(answers)} of {len(refs)} posts")
        except TimeoutError:
            error = SourceTimeoutError(f"the source {name} took over {self._timeout:g} s")
        except SentiserveError as raised:
            error = raised
        except Exception:  # noqa: BLE001  # whatever a source raises
            _log.exception("source failed", source=name)
            error = SourceError(f"the source {name} failed")
        return [error] * len(refs)


def _worth_asking(answer: Post | SentiserveError | None) -> bool:
    return answer is None or isinstance(answer, NotFoundError | SourceError)


def _tells_more(new: Post | SentiserveError, old: Post | SentiserveError) -> bool:
    """That the first source failed tells more than what the next one doesn't have."""
    return not _worth_asking(new) or (
        isinstance(old, NotFoundError) and isinstance(new, SourceError)
    )
