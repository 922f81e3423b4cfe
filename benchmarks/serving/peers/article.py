"""The 2022 article's design, written anew for current libraries.

A URL's post is looked up in Redis; if it isn't there, TorchScript answers inside the handler, on
the event loop, and Redis learns of it in the background. Its call of X is left out: the text
comes along with the URL, which favours it. Run by Gunicorn with workers that are replaced after
300 requests.
"""

import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import redis.asyncio as redis
from fastapi import BackgroundTasks, Depends, FastAPI

from benchmarks.serving.peers.classifier import Classifier

EXPIRES = 60 * 60 * 60 * 60  # as it was; meant to be sixty days
app = FastAPI()
classify = Classifier()


async def connected() -> AsyncIterator[redis.Redis]:
    """A pool for each request."""
    client = redis.Redis.from_url(os.environ["BENCH_REDIS"], decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


@app.get("/inference")
async def inference(
    tweetUrl: str,  # noqa: N803  # as it was named
    background: BackgroundTasks,
    store: Annotated[redis.Redis, Depends(connected)],
    text: str = "",
) -> dict[str, str]:
    """The label of a post."""
    key = tweetUrl.split("/")[-1]
    label: Any = await store.get(key)
    if label is None:
        scores = classify([text])[0]
        label = max(scores, key=scores.__getitem__)
        background.add_task(store.set, key, label, ex=EXPIRES)
    return {"sentimentAnalyst": label, "textInput": text}
