"""Posts from X's API, version 2: by id, a user's, the home timeline's, by hashtag, and live.

Each post that is read is paid for, so none is that isn't needed.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from sentiserve.errors import BadInputError, OtherPlatformError, SentiserveError, SettingsError
from sentiserve.settings import Settings
from sentiserve.sources.merged import Merged
from sentiserve.sources.snowflake import is_plausible
from sentiserve.sources.urls import X as PLATFORM
from sentiserve.sources.urls import parse_url
from sentiserve.sources.x.api import Api, Token
from sentiserve.sources.x.budget import Budget
from sentiserve.sources.x.lookups import MAX_IDS, Lookups
from sentiserve.sources.x.posts import DIALECTS, not_found
from sentiserve.sources.x.stream import Stream
from sentiserve.sources.x.timelines import Timelines
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

_SHARE = 0.9  # of a source's time, so that our own errors come before the chain's


@dataclass(frozen=True, slots=True)
class Options:
    """How X's API is asked.

    Attributes:
        state: directory that the processes of a machine share.
        daily_reads: posts and users that they may read in a day (UTC).
        timeout: seconds for an answer.
        mirrors: further hosts whose URLs are read as X's.
        silence: seconds without a sign of life after which a stream counts as broken.
        pause: seconds before a broken stream is connected again; they double each time.
    """

    url: str
    state: Path
    daily_reads: int
    fields: Literal["tweet", "post"] = "tweet"
    timeout: float = 9.0
    mirrors: Collection[str] = ()
    silence: float = 30.0
    pause: float = 0.5


_NEEDS = {
    FeedKind.HOME: "a home timeline on X needs SENTISERVE_X_USER_TOKEN, its user's token",
    FeedKind.STREAM: "a stream from X needs SENTISERVE_X_BEARER_TOKEN, an app's token",
}


class X:
    """X's API; what can be had from it depends on the tokens.

    Attributes:
        feed_needs: what must be set for posts in such a sequence.
    """

    feed_needs = _NEEDS

    def __init__(self, options: Options, app: Token | None, user: Token | None) -> None:
        """Take an app's token, a user's, or both; the app's reads where both could.

        Raises:
            SettingsError: there is none.
        """
        reader = app or user
        if reader is None:
            raise SettingsError(
                "the source x needs SENTISERVE_X_BEARER_TOKEN, an app's, or "
                "SENTISERVE_X_USER_TOKEN, a user's, without which there is no home timeline"
            )
        self._mirrors = options.mirrors
        self._budget = Budget(options.state / "reads", options.daily_reads)
        dialect = DIALECTS[options.fields]
        apis = {
            token: Api(options.url, token, self._budget, options.timeout)
            for token in (app, user)
            if token is not None
        }
        self._apis = tuple(apis.values())
        self._posts = Merged(Lookups(apis[reader], dialect).look_up, size=MAX_IDS)
        timelines = Timelines(apis[reader], apis[user] if user else None, dialect)
        self._feeds: dict[FeedKind, Timelines | Stream] = {
            FeedKind.USER: timelines,
            FeedKind.TAG: timelines,
        }
        if user is not None:
            self._feeds[FeedKind.HOME] = timelines
        if app is not None:
            lock, pause = options.state / "stream", options.pause
            self._feeds[FeedKind.STREAM] = Stream(
                apis[app], dialect, lock, silence=options.silence, pause=pause
            )

    @property
    def feeds(self) -> Collection[FeedKind]:
        """Users and hashtags; the home timeline with a user's token, streams with an app's."""
        return self._feeds.keys()

    def parse(self, url: str) -> PostRef | None:
        """Which post of X a URL means."""
        ref = parse_url(url, self._mirrors)
        return ref if ref is not None and ref.platform == PLATFORM else None

    async def open(self) -> None:
        """Make ready; nothing is sent.

        Raises:
            SourceError: what is read can't be counted.
        """
        await self._budget.open()
        for api in self._apis:
            await api.open()

    async def close(self) -> None:
        """Close all connections."""
        async with AsyncExitStack() as stack:
            for api in self._apis:
                stack.push_async_callback(api.close)
            stack.push_async_callback(self._posts.close)

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts; all calls that wait at the same time share requests."""
        return await asyncio.gather(*map(self._fetch, refs))

    async def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        """The pages of a feed after a cursor, or from the start.

        Raises:
            BadInputError: the names, the cursor or the kind can't be used.
            SourceError: a page can't be had.
        """
        if query.kind not in self._feeds:
            raise BadInputError(_NEEDS[query.kind])
        async with aclosing(self._feeds[query.kind].pages(query, cursor)) as pages:
            async for page in pages:
                yield page

    async def _fetch(self, ref: PostRef) -> Post | SentiserveError:
        if ref.platform != PLATFORM:
            return OtherPlatformError(f"X has no posts of {ref.platform}")
        if not is_plausible(ref.id):
            return not_found(ref.id)
        try:
            return await self._posts.ask(ref.id)
        except SentiserveError as error:
            return error


def from_settings(settings: Settings) -> X:
    """The source for these settings.

    Raises:
        SettingsError: there is no token, or one that can't be used.
    """
    options = Options(
        url=settings.x_url,
        state=settings.x_state,
        daily_reads=settings.x_daily_reads,
        fields=settings.x_fields,
        timeout=_SHARE * settings.source_timeout,
        mirrors=settings.x_mirrors,
    )
    return X(
        options,
        _token(settings.x_bearer_token, "SENTISERVE_X_BEARER_TOKEN"),
        _token(settings.x_user_token, "SENTISERVE_X_USER_TOKEN"),
    )


def _token(secret: SecretStr | None, setting: str) -> Token | None:
    return None if secret is None else Token(secret, setting)
