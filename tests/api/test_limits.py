"""How often a client may ask, and who a client is."""

import socket
from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import Service, StartService

from sentiserve.api import limits
from sentiserve.api.clients import Clients
from sentiserve.api.limits import Limits
from sentiserve.errors import LimitedError

RATE = {"CLIENT_RATE": "0.01", "CLIENT_BURST": "3"}  # no test lives long enough to be let in again


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def asks(limits: Limits, client: str, requests: int = 1) -> bool:
    try:
        limits.check(client)
    except LimitedError:
        return False
    limits.charge(client, requests)
    return True


def test_a_burst_passes_and_then_the_rate(clock: Clock) -> None:
    two_a_second = Limits(2, 5, clock)
    assert [asks(two_a_second, "a") for _ in range(6)] == [True] * 5 + [False]
    clock.now += 0.5
    assert [asks(two_a_second, "a") for _ in range(2)] == [True, False]
    clock.now += 1_000
    assert [asks(two_a_second, "a") for _ in range(6)] == [True] * 5 + [False]


def test_each_client_has_a_bucket_of_its_own(clock: Clock) -> None:
    one = Limits(1, 1, clock)
    assert asks(one, "a")
    assert asks(one, "b")
    assert not asks(one, "a")


def test_a_large_request_passes_and_is_waited_for(clock: Clock) -> None:
    ten_a_second = Limits(10, 5, clock)
    assert asks(ten_a_second, "a", 100)
    with pytest.raises(LimitedError) as refused:
        ten_a_second.check("a")
    assert refused.value.retry_after == 10
    clock.now += 9.7
    assert asks(ten_a_second, "a")


@given(st.floats(0.1, 100), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_nobody_gets_more_than_burst_and_rate(rate: float, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    limited, began, passed = Limits(rate, burst, clock), clock.now, 0
    for pause in pauses:
        clock.now += pause
        passed += asks(limited, "a")
    assert passed <= burst + rate * (clock.now - began) + 1e-6


def test_few_clients_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CLIENTS", 3)
    one = Limits(1, 1, clock)
    assert all(asks(one, client) for client in "abc")
    assert not asks(one, "a")  # a refusal is no visit
    assert asks(one, "d")
    assert asks(one, "a")  # forgotten, as the one who came first
    assert not asks(one, "c")
    assert len(one._full_at) == 3


def scope(peer: str, *forwarded: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"client": (peer, 4711), "headers": headers}


TRUSTED = Clients([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
CLIENTS = [
    (("192.0.2.1",), "192.0.2.1"),
    (("192.0.2.1", "198.51.100.7"), "192.0.2.1"),  # not through a proxy: anybody's word
    (("10.0.0.1", "198.51.100.7"), "198.51.100.7"),
    (("::ffff:10.0.0.1", "198.51.100.7"), "198.51.100.7"),
    (("10.0.0.1", "203.0.113.9, 198.51.100.7"), "198.51.100.7"),  # the first is the client's claim
    (("10.0.0.1", "203.0.113.9", "198.51.100.7, 10.0.0.2"), "198.51.100.7"),
    (("10.0.0.1", "10.0.0.3,10.0.0.2"), "10.0.0.3"),
    (("10.0.0.1", "198.51.100.7, nonsense"), "10.0.0.1"),
    (("10.0.0.1", "198.51.100.7, \xff"), "10.0.0.1"),
    (("10.0.0.1", ""), "10.0.0.1"),
    (("10.0.0.1",), "10.0.0.1"),
    (("2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
    (("fd00::1", "2001:db8::1"), "2001:db8::/64"),
    (("::ffff:192.0.2.1",), "192.0.2.1"),
    (("fe80::1%eth0",), "fe80::/64"),
    (("no address",), "unknown"),
]


@pytest.mark.parametrize(("connection", "client"), CLIENTS)
def test_a_client_is_an_address_that_is_known_for_sure(
    connection: tuple[str, ...], client: str
) -> None:
    assert TRUSTED.address(scope(*connection)) == client


def test_without_proxies_nobody_is_believed() -> None:
    assert Clients(()).address(scope("127.0.0.1", "198.51.100.7")) == "127.0.0.1"
    assert Clients(()).address({"client": None, "headers": []}) == "unknown"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service behind a proxy on this machine, so that each test can be somebody else."""
    env = RATE | {"TRUSTED_PROXIES": "127.0.0.1"}
    with Service(tmp_path_factory.mktemp("limited"), **env) as started:
        yield started


def statuses(service: Service, client: str, path: str, times: int, **headers: str) -> list[int]:
    sent = {"X-Forwarded-For": client, **headers}
    return [service.client.get(path, headers=sent).status_code for _ in range(times)]


def test_who_asks_too_often_is_told_when_to_come_back(limited: Service) -> None:
    assert statuses(limited, "192.0.2.1", "/v1/model", 4) == [200, 200, 200, 429]
    refused = limited.client.get("/v1/model", headers={"X-Forwarded-For": "192.0.2.1"})
    assert refused.headers["content-type"] == "application/problem+json"
    assert 0 < int(refused.headers["retry-after"]) <= 100
    assert refused.json()["status"] == 429
    assert refused.json()["retryAfter"] == int(refused.headers["retry-after"])
    assert statuses(limited, "192.0.2.2", "/v1/model", 1) == [200]


def test_hits_count_too(limited: Service, sample: list[dict[str, str]]) -> None:
    path = f"/v1/inference?tweetUrl={sample[0]['id']}"
    assert statuses(limited, "192.0.2.3", path, 4) == [200, 200, 200, 429]


def test_each_input_of_a_list_counts(limited: Service) -> None:
    headers = {"X-Forwarded-For": "192.0.2.4"}
    body = {"inputs": ["one", "two", "three"]}
    assert limited.client.post("/v1/sentiment", json=body, headers=headers).status_code == 200
    assert limited.client.post("/v1/sentiment", json=body, headers=headers).status_code == 429


def test_an_empty_list_counts_as_a_request(limited: Service) -> None:
    headers = {"X-Forwarded-For": "192.0.2.8"}
    body: dict[str, list[str]] = {"inputs": []}
    asked = [limited.client.post("/v1/sentiment", json=body, headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in asked] == [200, 200, 200, 429]


def test_what_follows_a_body_names_no_client(limited: Service) -> None:
    address = urlsplit(limited.url)

    def ask(claim: int) -> bytes:
        with socket.create_connection((address.hostname, address.port), timeout=60) as client:
            client.sendall(
                b"POST /v1/sentiment HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
                b"X-Forwarded-For: 192.0.2.9\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"0\r\nX-Forwarded-For: 198.51.100.%d\r\n\r\n" % claim
            )
            return client.recv(65536)[:12]

    assert [ask(claim)[9:] for claim in range(4)] == [b"422", b"422", b"422", b"429"]


def test_health_is_always_told(limited: Service) -> None:
    assert set(statuses(limited, "192.0.2.5", "/health/live", 10)) == {200}


def test_refusals_are_counted(limited: Service) -> None:
    assert statuses(limited, "192.0.2.6", "/v1/model", 4)[-1] == 429
    told = limited.client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).text
    assert 'sentiserve_requests_total{method="GET",route="unmatched",status="429"}' in told


def test_nobody_can_guess_keys_for_long(start_service: StartService) -> None:
    service = start_service(API_KEYS="right,other", TRUSTED_PROXIES="127.0.0.0/8", **RATE)
    wrong, right = {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer right"}
    other = {"Authorization": "Bearer other"}
    guesses = statuses(service, "192.0.2.1", "/v1/model", 5, **wrong)
    assert guesses == [401, 401, 401, 429, 429]
    assert statuses(service, "192.0.2.1", "/v1/model", 1, **right) == [429]  # it isn't even read
    # A key is a client, wherever it is used.
    assert statuses(service, "192.0.2.2", "/v1/model", 2, **right) == [200, 200]
    assert statuses(service, "192.0.2.3", "/v1/model", 2, **right) == [200, 429]
    assert statuses(service, "192.0.2.3", "/v1/model", 1, **other) == [200]


def test_without_a_rate_nobody_is_counted(service: Service) -> None:
    assert set(statuses(service, "192.0.2.1", "/v1/model", 200)) == {200}
