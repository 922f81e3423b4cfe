"""What dashboards, alarms and scaling policies look at, and what a service gives them to see."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from aws.stacks import Template
from processes import Service
from redis_server import RedisServer, free_port
from tls import certificate_for

PASSWORD = "a password of Valkey / with all that a URL minds"
KEY = "a-key-of-somebody"


class Figure(NamedTuple):
    """A metric in CloudWatch's terms."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def looked_at(found: Any) -> Iterator[Figure]:
    """Every metric that a described alarm, policy or dashboard names, wherever it stands."""
    if isinstance(found, dict):
        if "Namespace" in found and "MetricName" in found:
            given = ((one["Name"], one["Value"]) for one in found.get("Dimensions", ()))
            yield Figure(found["Namespace"], found["MetricName"], tuple(sorted(given)))
        for of in found.values():
            yield from looked_at(of)
    elif isinstance(found, list):
        if len(found) > 1 and _is_shown(found):
            namespace, name, *rest = [one for one in found if isinstance(one, str)]
            yield Figure(namespace, name, tuple(sorted(zip(rest[::2], rest[1::2], strict=True))))
        for of in found:
            yield from looked_at(of)


def _is_shown(found: list[Any]) -> bool:
    """Whether this is a dashboard's way to write a metric: namespace, name, dimensions."""
    return all(isinstance(one, str) for one in found[:2]) and (
        found[0] == "sentiserve" or found[0].startswith(("AWS/", "ECS/"))
    )


def emitted(lines: list[str]) -> dict[Figure, list[float]]:
    """The figures that CloudWatch finds in a log, and their values."""
    found: dict[Figure, list[float]] = {}
    for line in map(json.loads, lines):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                dimensions = tuple(sorted((name, line[name]) for name in names))
                for metric in directive["Metrics"]:
                    figure = Figure(directive["Namespace"], metric["Name"], dimensions)
                    found.setdefault(figure, []).append(line[metric["Name"]])
    return found


@contextmanager
def as_a_task(template: Template, directory: Path) -> Iterator[Service]:
    """A service with a task's settings and secrets, and a store with TLS and a password."""
    (container,) = template.only("ECS::TaskDefinition")["ContainerDefinitions"]
    told = {one["Name"]: one["Value"] for one in container["Environment"]}
    told["SENTISERVE_MODEL"] = ""  # the parameter's default
    told["SENTISERVE_DRAIN_DELAY"] = "0"  # no load balancer has to notice
    port = free_port()
    told["SENTISERVE_STORE"] = f"rediss://:{quote(PASSWORD, safe='')}@localhost:{port}"
    told["SENTISERVE_API_KEYS"] = KEY
    certificate, key = certificate_for("localhost", directory)
    files = ("--tls-cert-file", f"{certificate}", "--tls-key-file", f"{key}")
    options = ("--tls-port", f"{port}", "--tls-auth-clients", "no", "--requirepass", PASSWORD)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(certificate))  # as Amazon's authority is in the image
        stack.enter_context(RedisServer(*options, *files))
        settings = {name.removeprefix("SENTISERVE_"): value for name, value in told.items()}
        service = stack.enter_context(Service(directory, **settings))
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        yield service
