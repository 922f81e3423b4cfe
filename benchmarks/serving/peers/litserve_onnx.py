"""LitServe with ONNX Runtime, its batching on."""

import os
from collections.abc import Sequence
from typing import Any

import litserve

from benchmarks.serving.peers.classifier import MAX_BATCH, WORKERS, Classifier


class Sentiment(litserve.LitAPI):
    """Texts in, scores out."""

    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe's
        """Load the model, once for each worker."""
        self.classify = Classifier()

    def decode_request(self, request: dict[str, str]) -> str:
        """The text of a request."""
        return request["text"]

    def batch(self, inputs: Sequence[str]) -> list[str]:
        """Several texts."""
        return list(inputs)

    def predict(self, texts: list[str]) -> list[dict[str, float]]:
        """The scores of each."""
        return self.classify(texts)

    def unbatch(self, output: list[dict[str, float]]) -> list[dict[str, float]]:
        """One answer for each text."""
        return output

    def encode_response(self, output: Any) -> Any:
        """As it is."""
        return output


if __name__ == "__main__":
    api = Sentiment(max_batch_size=MAX_BATCH, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, timeout=10)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        log_level="warning",
        generate_client_file=False,
    )
