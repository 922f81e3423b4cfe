"""A service forgets and stops while another process reads its history."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from processes import StartService, eventually

from sentiserve.history.layout import Layout

DRAIN = 3.0  # seconds


def test_a_reader_holds_up_neither_the_store_nor_the_end(
    start_service: StartService, tmp_path: Path
) -> None:
    history = tmp_path / "history"
    history.mkdir()
    service = start_service(history=str(history), drain_timeout=f"{DRAIN:g}")
    text = {"inputs": [{"text": "Good morning!"}]}

    def cached() -> bool:
        answer = service.client.post("/v1/sentiment", json=text).json()
        return bool(answer["results"][0]["cached"])

    def delete() -> int:
        return service.client.delete("/v1/features", params={"prefix": "text/"}).status_code

    cached()
    eventually(lambda: "sentiserve_queued_records 0.0" in service.client.get("/metrics").text)
    assert cached()
    with Layout(history).reading(), ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(delete) for _ in range(8)]
        eventually(lambda: not cached())
        eventually(cached)  # it goes on keeping
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 8 * DRAIN  # for each that waits it would be more
        assert {task.result() for task in waiting} == {503}
