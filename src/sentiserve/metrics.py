"""Every metric of the service, in one place."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody reads
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one running service, in a registry of their own."""

    def __init__(self) -> None:
        """Create every metric at zero."""
        registry = self._registry = CollectorRegistry()
        self._of_route = lru_cache(1024)(self._find_route)  # finding them takes a while
        self.requests = Counter(
            "sentiserve_requests",
            "HTTP requests answered, by route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.request_seconds = Histogram(
            "sentiserve_request_seconds",
            "Time from a request's arrival to its answer, by route.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.predictions = Counter(
            "sentiserve_predictions",
            "Posts and texts, by what came of them: hit (store), miss (model), refused, failed.",
            ("outcome",),
            registry=registry,
        )
        self.labels = Counter(
            "sentiserve_labels", "New predictions, by label.", ("label",), registry=registry
        )
        self.store_errors = Counter(
            "sentiserve_store_errors",
            "Failed calls of the store, the journal and the history, by operation.",
            ("operation",),
            registry=registry,
        )
        self.source_posts = Counter(
            "sentiserve_source_posts",
            "Posts that a source was asked for and gave.",
            ("source",),
            registry=registry,
        )
        self.source_errors = Counter(
            "sentiserve_source_errors",
            "Posts that a source was asked for and did not give, by kind of error.",
            ("source", "error"),
            registry=registry,
        )
        self.queued_texts = Gauge(
            "sentiserve_queued_texts", "Texts waiting for the model.", registry=registry
        )
        self.batch_size = Histogram(
            "sentiserve_batch_size",
            "Texts in one inference.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.inference_seconds = Histogram(
            "sentiserve_inference_seconds",
            "Time of one inference.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.model_errors = Counter(
            "sentiserve_model_errors", "Texts on which the model failed.", registry=registry
        )
        self.queued_records = Gauge(
            "sentiserve_queued_records", "Predictions waiting for the store.", registry=registry
        )
        self.journal_bytes = Gauge(
            "sentiserve_journal_bytes",
            "Bytes of the journal that the store or the history lacks.",
            registry=registry,
        )
        self.recorded = Counter(
            "sentiserve_recorded", "Predictions written to the store.", registry=registry
        )
        self.model_ready = Gauge(
            "sentiserve_model_ready",
            "1 while the model works; 0 while it fails, and the service is not ready.",
            registry=registry,
        )
        self._drift_effect = Gauge(
            "sentiserve_drift_effect",
            "How far the newest posts are from the model's profile, by feature.",
            ("feature",),
            registry=registry,
        )
        self._drift_alarm = Gauge(
            "sentiserve_drift_alarm",
            "1 for a feature that drifted, 0 for one that did not.",
            ("feature",),
            registry=registry,
        )
        self._drift_window_posts = Gauge(
            "sentiserve_drift_window_posts",
            "Newest posts that are compared with the model's profile.",
            registry=registry,
        )
        self.model = Info("sentiserve_model", "Which model answers, by its id.", registry=registry)
        build = Info("sentiserve_build", "Which version runs.", registry=registry)
        build.info({"version": version("sentiserve")})
        ProcessCollector(registry=registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        counter, histogram = self._of_route(method, route, status)
        counter.inc()
        histogram.observe(seconds)

    def drifted(self, posts: int, features: Mapping[str, tuple[float, bool]]) -> None:
        """Show the newest comparison: each feature's effect, and whether it is an alarm."""
        self._drift_window_posts.set(posts)
        self._drift_effect.clear()
        self._drift_alarm.clear()
        for feature, (effect, is_alarm) in features.items():
            self._drift_effect.labels(feature).set(effect)
            self._drift_alarm.labels(feature).set(is_alarm)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def samples(self) -> list[Sample]:
        """All metrics, one by one, for other formats."""
        return [sample for metric in self._registry.collect() for sample in metric.samples]

    def told(self) -> bytes:
        """All metrics as ``together`` takes them."""
        return msgspec.msgpack.encode(
            [
                (metric.name, metric.documentation, metric.type, [s[:3] for s in metric.samples])
                for metric in self._registry.collect()
            ]
        )

    def _find_route(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return (
            self.requests.labels(method, route, status),
            self.request_seconds.labels(method, route),
        )


_Told = list[tuple[str, str, str, list[tuple[str, dict[str, str], float]]]]


def together(told: Mapping[str, bytes]) -> bytes:
    """The metrics of several workers in Prometheus' text format, with a label for whose they are.

    Not their sums: a worker that was replaced counts from zero, which Prometheus understands of
    one series, but takes for new events where a sum falls.
    """
    metrics: dict[str, Metric] = {}
    for worker, raw in told.items():
        for name, documentation, kind, samples in msgspec.msgpack.decode(raw, type=_Told):
            metric = metrics.setdefault(name, Metric(name, documentation, kind))
            for sample, labels, value in samples:
                metric.add_sample(sample, labels | {"worker": worker}, value)
    registry = CollectorRegistry()
    registry.register(_Collected(metrics.values()))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
