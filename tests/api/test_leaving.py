"""A client who leaves frees the place that was kept for it."""

import json
import socket
import time
from urllib.parse import urlsplit

from processes import Service, eventually

from sentiserve.api.gate import CLIENT_LEFT

LONG = "not the best of all days, and yet "


def _count(service: Service, metric: str) -> float:
    lines = service.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


def _leave(service: Service, body: bytes) -> None:
    address = urlsplit(service.url)
    head = (
        "POST /v1/sentiment HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(head.encode() + body)
        eventually(lambda: _count(service, "sentiserve_queued_texts"))


def test_what_nobody_waits_for_is_not_computed(service: Service) -> None:
    texts = [f"{LONG * 20} {i} {time.time()}" for i in range(256)]
    before = _count(service, 'sentiserve_predictions_total{outcome="miss"}')
    _leave(service, json.dumps({"inputs": texts}).encode())
    eventually(lambda: _count(service, "sentiserve_queued_texts") == 0)
    assert _count(service, 'sentiserve_predictions_total{outcome="miss"}') - before < 256
    left = eventually(lambda: [e for e in service.events() if e.get("status") == CLIENT_LEFT])
    assert [event["route"] for event in left] == ["/v1/sentiment"]
    assert service.client.post("/v1/sentiment", json={"inputs": ["still here"]}).is_success
