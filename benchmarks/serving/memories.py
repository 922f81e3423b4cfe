"""What the services that remember have been asked for before the load begins."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import redis

from benchmarks.serving.processes import NotReadyError
from sentiserve.store.registry import make_store
from sentiserve.types import Post, PostRef, Prediction, Sentiment

_DAY = 24 * 60 * 60
_NEUTRAL = Sentiment({"negative": 0.1, "neutral": 0.8, "positive": 0.1})
_BATCH = 500


def url_of(number: int) -> str:
    """The URL of a post by number."""
    return f"https://x.com/i/status/{id_of(number)}"


def id_of(number: int) -> str:
    """As long as ids are."""
    return str(1_500_000_000_000_000_000 + number * 7919)


def remember_in_sqlite(file: Path, posts: Mapping[int, str], model_id: str) -> None:
    """Put what the model is to have said of these posts, by URL and by text."""
    now = datetime.now(UTC)
    both = [
        Prediction(post, _NEUTRAL, model_id, now)
        for number, text in posts.items()
        for post in (
            Post.of_text(text),
            Post(PostRef("x", id_of(number)), text, url=url_of(number)),
        )
    ]
    asyncio.run(_put(f"sqlite:///{file}", both))


async def _put(url: str, predictions: list[Prediction]) -> None:
    store = make_store(url, 60 * _DAY)
    await store.open()
    for first in range(0, len(predictions), _BATCH):
        await store.put(predictions[first : first + _BATCH])
    await store.close()


def remember_in_redis(url: str, keys: Mapping[str, str]) -> None:
    """Put labels by key."""
    with redis.Redis.from_url(url) as client:
        client.mset({**keys})


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """A Redis on a Unix socket and on no port; its URL."""
    command = shutil.which("redis-server") or shutil.which("valkey-server")
    if command is None:
        raise NotReadyError("neither redis-server nor valkey-server is installed")
    socket = directory / "redis.sock"
    options = ["--dir", str(directory), "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen([command, "--port", "0", *options], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            if process.poll() is not None:
                raise NotReadyError("redis-server did not start")
            time.sleep(0.01)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()
