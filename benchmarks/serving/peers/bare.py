"""A FastAPI route that returns constant bytes: what the server itself can do."""

from fastapi import FastAPI, Response

ANSWER = b'{"sentimentAnalyst":"neutral","cached":true}'
app = FastAPI()


@app.get("/v1/inference")
async def constant() -> Response:
    """The same for everybody."""
    return Response(ANSWER, media_type="application/json")
