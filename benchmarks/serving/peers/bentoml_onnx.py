"""BentoML with ONNX Runtime, its adaptive batching on."""

import bentoml

from benchmarks.serving.peers.classifier import MAX_BATCH, WORKERS, Classifier


@bentoml.service(workers=WORKERS, traffic={"timeout": 10})
class Sentiment:
    """Texts in, scores out."""

    def __init__(self) -> None:
        self.classify = Classifier()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=100)
    def scores(self, texts: list[str]) -> list[dict[str, float]]:
        """The scores of each."""
        return self.classify(texts)
