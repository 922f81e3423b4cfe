"""Plain FastAPI with ONNX Runtime: a handler on a thread, one text at a time."""

from fastapi import Body, FastAPI

from benchmarks.serving.peers.classifier import Classifier

app = FastAPI()
classify = Classifier()


@app.post("/classify")
def answer(text: str = Body(embed=True)) -> dict[str, float]:
    """The scores of a text."""
    return classify([text])[0]
