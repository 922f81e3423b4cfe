"""OpenTelemetry traces: a span for each request, and one for each part of its answer.

The parts are those of ``Server-Timing``, measured once: what a trace says and what the header says
is the same. A span is made when its request is over, so nothing of this is in the parts' way.

Off, and nothing of OpenTelemetry imported, unless its standard variables say where to.
"""

import asyncio
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from sentiserve import __version__
from sentiserve.errors import SettingsError
from sentiserve.timing import Timing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_log = structlog.get_logger(__name__)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_FLUSH = 3.0  # seconds in the end, for what the collector hasn't taken by then
_QUIET = 60.0  # seconds between two warnings
_FACTS = {"error": "error.type", "texts": "sentiserve.batch.texts"}
_OFTEN = ("/health/", "/metrics")  # asked by machines, all the time


def is_wanted() -> bool:
    """Whether the environment asks for traces.

    Raises:
        SettingsError: it does, and they can't be had.
    """
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if exporter not in {"", "otlp"}:
        raise SettingsError(f"OTEL_TRACES_EXPORTER is {exporter!r}; it may be otlp or none")
    if not exporter and not _first(_ENDPOINTS):
        return False
    if (protocol := _first(_PROTOCOLS) or _PROTOCOL) != _PROTOCOL:
        raise SettingsError(
            f"traces are sent by {_PROTOCOL}, not {protocol!r}: set OTEL_EXPORTER_OTLP_PROTOCOL "
            "to that, and the endpoint to where the collector takes it, port 4318 as a rule"
        )
    if not (find_spec("opentelemetry") and find_spec("opentelemetry.sdk") and _has_exporter()):
        raise SettingsError(
            "traces need further packages: pip install 'sentiserve[otel]'; or unset "
            f"{', '.join(_ENDPOINTS)} and OTEL_TRACES_EXPORTER"
        )
    return True


@asynccontextmanager
async def traced(service: str) -> AsyncIterator["Tracing | None"]:
    """Traces while the block runs, if they are wanted; in the end, what waits is sent.

    Args:
        service: the name that they have unless OTEL_SERVICE_NAME gives another.
    """
    if not is_wanted():
        yield None
        return
    tracing = Tracing(service)
    try:
        yield tracing
    finally:
        await tracing.close()


class Tracing:
    """Makes spans, and sends them from a thread of its own.

    At most OTEL_BSP_MAX_QUEUE_SIZE wait; where the collector takes none, the oldest are lost.
    """

    def __init__(self, service: str) -> None:
        """Read the standard variables; nothing is sent yet."""
        from opentelemetry import propagate
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        own = {
            "service.name": service,
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
        }
        given = OTELResourceDetector().detect().attributes
        logging.getLogger("opentelemetry").addHandler(_Complaints())
        logging.getLogger("opentelemetry").propagate = False
        self._provider = TracerProvider(
            resource=Resource.create({**own, **given}), shutdown_on_exit=False
        )
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("sentiserve", __version__)
        self._propagator = propagate.get_global_textmap()

    def begin(self, path: str, scheme: str, headers: Mapping[str, str]) -> "Trace | None":
        """The trace of a request that has just come; one that the caller began goes on."""
        from opentelemetry.trace import SpanKind

        if path.startswith(_OFTEN):
            return None
        begun = {name: headers[name] for name in self._propagator.fields if name in headers}
        span = self._tracer.start_span(
            "HTTP",
            self._propagator.extract(begun),
            SpanKind.SERVER,
            {"url.scheme": scheme},
            start_time=(now := time.time_ns()),
        )
        return Trace(self, span, now)

    def part(self, parent: "Span", name: str, facts: Mapping[str, str | int], start: int) -> "Span":
        """The span of a part of an answer."""
        from opentelemetry.trace import set_span_in_context

        attributes = {_FACTS[fact]: value for fact, value in facts.items()}
        context = set_span_in_context(parent)
        return self._tracer.start_span(name, context, attributes=attributes, start_time=start)

    async def close(self) -> None:
        """Send what waits, within a few seconds."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, _FLUSH)
        if closing.is_alive():
            _log.warning("traces are lost: the collector did not take them in time")
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # tries no more


class Trace:
    """The span of one request.

    Attributes:
        ids: what the log says of it.
    """

    def __init__(self, tracing: Tracing, span: "Span", now: int) -> None:
        """Take its span, and the nanoseconds since 1970 when it began."""
        self._tracing, self._span, self._now = tracing, span, now
        context = span.get_span_context()
        self.ids = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def end(
        self,
        method: str,
        route: str | None,
        status: int,
        request_id: str,
        timing: Timing,
        began: float,
        seconds: float,
    ) -> None:
        """Say all of a request that is over; no path, query, header or address of a client.

        Args:
            method: one that is known, or _OTHER.
            route: None where there was none.
            status: of the answer.
            request_id: its id.
            timing: its parts.
            began: when it came, by ``time.perf_counter``.
            seconds: how long it took.
        """
        span = self._span
        if not span.is_recording():
            return
        name = "HTTP" if method == "_OTHER" else method
        span.update_name(f"{name} {route}" if route else name)
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.response.status_code", status)
        span.set_attribute("sentiserve.request_id", request_id)
        if route:
            span.set_attribute("http.route", route)
        if status >= 500:
            self._fail(span, str(status))
        for part, (at, took, facts) in timing.parts.items():
            start = self._now + _nanoseconds(at - began)
            child = self._tracing.part(span, part, facts, start)
            if "error" in facts:
                self._fail(child, str(facts["error"]))
            child.end(start + _nanoseconds(took))
        span.end(self._now + _nanoseconds(seconds))

    def _fail(self, span: "Span", error: str) -> None:
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", error)


class _Complaints(logging.Handler):
    """What OpenTelemetry's own parts complain of: one warning a minute, however often."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if (now := time.monotonic()) >= self._quiet_until:
            self._quiet_until = now + _QUIET
            # An address may have a credential in its query.
            reason = re.sub(r"\?\S+", "?…", record.getMessage())
            _log.warning("traces may be lost", reason=reason)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _first(variables: tuple[str, ...]) -> str:
    return next(filter(None, (os.environ.get(name, "").strip() for name in variables)), "")


def _has_exporter() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
