"""What the service did in the last hour."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from processes import Service, StartService, eventually

from sentiserve.api.activity import Activity, quantile, together
from sentiserve.api.routes.activity import ActivityOut
from sentiserve.metrics import Metrics

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC).timestamp()
MINUTE = int(NOON // 60)


class Clock:
    """Tells the time that it is set to."""

    now = NOON

    def __call__(self) -> float:
        return self.now


def ask(service: Service, *texts: str) -> None:
    service.client.post("/v1/sentiment", json={"inputs": texts}).raise_for_status()


def test_what_is_asked_is_counted_at_once(start_service: StartService) -> None:
    service = start_service()
    before = service.client.get("/v1/activity").json()
    assert (before["posts"], before["hitRate"], before["medianMilliseconds"]) == (0, None, None)
    assert len(before["minutes"]) == 60
    ask(service, "What a day!", "Never again.")
    eventually(lambda: service.client.get("/v1/activity").json()["posts"] == 2)
    ask(service, "What a day!", "Never again.")
    after = service.client.get("/v1/activity").json()
    assert (after["posts"], after["hitRate"]) == (4, 0.5)
    assert after["model"] == service.client.get("/v1/model").json()["id"]
    assert 0 < after["medianMilliseconds"] <= after["p99Milliseconds"]
    assert sum(minute["misses"] for minute in after["minutes"]) == 2
    assert after["postsPerMinute"] > 0


def test_several_workers_tell_together(start_service: StartService) -> None:
    service = start_service("--workers", "2")
    for number in range(20):
        with service.client.stream("POST", "/v1/sentiment", json={"inputs": [f"No {number}."]},
                                   headers={"Connection": "close"}):  # fmt: skip
            pass
    assert service.client.get("/v1/activity").json()["posts"] == 20


def test_what_happened_belongs_to_its_minute_and_is_forgotten_after_an_hour() -> None:
    metrics, clock = Metrics(), Clock()
    activity = Activity(metrics, clock)
    metrics.predictions.labels("hit").inc(3)
    assert activity.minutes()[MINUTE]["hit"] == 3
    clock.now += 60
    metrics.predictions.labels("hit").inc(2)
    metrics.predictions.labels("refused").inc()
    minutes = activity.minutes()
    assert [minutes[n]["hit"] for n in (MINUTE, MINUTE + 1)] == [3, 2]
    assert minutes[MINUTE + 1]["refused"] == 1
    clock.now += 59 * 60
    assert list(activity.minutes()) == [MINUTE + 1]


def test_only_requests_for_sentiments_count_for_the_latency() -> None:
    metrics = Metrics()
    activity = Activity(metrics, Clock())
    metrics.request("GET", "/health/live", 200, 9.0)
    assert not activity.minutes()
    for seconds in (0.004, 0.004, 0.004, 0.2):
        metrics.request("POST", "/v1/sentiment", 200, seconds)
    tally = activity.minutes()[MINUTE]
    median, slowest = quantile(tally, 0.5), quantile(tally, 0.99)
    assert median is not None
    assert slowest is not None
    assert 0.0025 < median < 0.005
    assert 0.1 < slowest < 0.25


def test_what_took_longer_than_the_last_bucket_took_its_bound_at_least() -> None:
    """Also where no faster request tells of the bounds."""
    metrics = Metrics()
    activity = Activity(metrics, Clock())
    metrics.request("POST", "/v1/sentiment", 200, 30.0)
    out = ActivityOut.of("m", together([activity.told()]), NOON)
    assert (out.median_milliseconds, out.p99_milliseconds) == (10_000, 10_000)


def test_a_bucket_begins_at_the_bound_below_it() -> None:
    """Where the buckets below are empty."""
    metrics = Metrics()
    activity = Activity(metrics, Clock())
    metrics.request("POST", "/v1/sentiment", 200, 7.0)
    median = quantile(activity.minutes()[MINUTE], 0.5)
    assert median == pytest.approx(7.5)


def test_quantiles_are_linear_within_a_bucket() -> None:
    tally = {"0.001": 0, "0.01": 10, "0.1": 20, "+Inf": 25, "hit": 99}
    assert quantile(tally, 0.2) == pytest.approx(0.0055)
    assert quantile(tally, 0.6) == pytest.approx(0.055)
    assert quantile(tally, 0.99) == 0.1  # the last bound there is
    assert quantile({}, 0.5) is None


def test_posts_a_minute_slide() -> None:
    """A quarter into a minute, three quarters of the one before still count."""
    told = together([Activity(Metrics(), Clock()).told()])
    assert told == {}
    minutes = {MINUTE - 1: Counter(hit=8), MINUTE: Counter(miss=1)}
    out = ActivityOut.of("m", minutes, NOON + 15)
    assert out.posts_per_minute == 7.0
    assert out.minutes[-1].start == datetime.fromtimestamp(NOON, UTC)
