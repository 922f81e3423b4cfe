"""Who may ask: nobody without credentials, once there are any."""

import base64
from collections.abc import Iterator

import pytest
from processes import Run, Service
from pydantic import SecretStr

from sentiserve.api.auth import Credentials

KEYS = ("first-key-4711", "second-key-0815")
BASIC = "ada:pass:wörd-1843"
CLOSED = ["/v1/model", "/v1/authors", "/docs", "/openapi.json", "/metrics", "/", "/nowhere"]
CLOSED += ["/static/main.js", "/figures/authors.svg", "/v1/activity"]
CLOSED += ["/swagger/swagger-ui.css", "/v1/inference", "/health", "//health/live"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two keys and a user."""
    directory = tmp_path_factory.mktemp("guarded")
    env = {"API_KEYS": ", ".join(KEYS), "BASIC_AUTH": BASIC, "LOG_LEVEL": "debug"}
    with Service(directory, **env) as started:
        yield started


def basic(credentials: str | bytes) -> str:
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return f"Basic {base64.b64encode(raw).decode()}"


RIGHT = [f"Bearer {KEYS[0]}", f"bearer {KEYS[1]}", f"BEARER   {KEYS[0]}", basic(BASIC)]
RIGHT += [basic(f"anybody:{KEYS[0]}"), basic(f":{KEYS[1]}")]  # as a browser can send them
WRONG = [
    "",
    "Bearer",
    "Bearer wrong",
    f"Bearer {KEYS[0]}x",
    f"Bearer {KEYS[0][:-1]}",
    f"Bearer {', '.join(KEYS)}",
    KEYS[0],
    f"Token {KEYS[0]}",
    "Basic",
    "Basic !!!not base64!!!",
    "Basic YQ",
    "Basic " + "A" * 9_999,
    basic(b"\xff\xfe:\xff"),
    basic("ada:wrong"),
    basic("ada:"),
    basic(":pass:wörd-1843"),
    basic(KEYS[0]),
    basic(f"{KEYS[0]}:"),
    basic(f"ada:x:{KEYS[0]}"),
    basic("ada:pass:wörd-1843".encode("latin-1")),
    basic(" "),
]


@pytest.mark.parametrize("given", RIGHT)
def test_the_right_credentials_open_every_door(guarded: Service, given: str) -> None:
    for path in ("/v1/model", "/docs", "/metrics"):
        response = guarded.client.get(path, headers={"Authorization": given})
        assert response.status_code == 200, path


@pytest.mark.parametrize("key", ["voilà", "Å"])
def test_a_key_may_end_in_a_byte_that_is_a_space_in_latin_1(key: str) -> None:
    header = f"Bearer {key} ".encode().decode("latin-1")  # as Starlette reads it
    assert Credentials([SecretStr(key)], None).check(header) == "bearer 0"


@pytest.mark.parametrize("given", WRONG)
def test_wrong_credentials_get_401_and_a_challenge(guarded: Service, given: str) -> None:
    response = guarded.client.get("/v1/model", headers={"Authorization": given})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-Id"]
    assert response.json()["status"] == 401


@pytest.mark.parametrize("path", CLOSED)
def test_every_path_but_health_is_closed_without_credentials(guarded: Service, path: str) -> None:
    assert guarded.client.get(guarded.url + path).status_code == 401


def test_a_text_is_not_classified_without_credentials(guarded: Service) -> None:
    answer = guarded.client.post("/v1/sentiment", json={"inputs": ["Who is there?"]})
    assert answer.status_code == 401
    assert "results" not in answer.text


@pytest.mark.parametrize("given", [*RIGHT, *WRONG])
def test_any_credentials_are_welcome_where_none_are_needed(service: Service, given: str) -> None:
    response = service.client.get("/v1/model", headers={"Authorization": given})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_open_since_load_balancers_have_no_credentials(
    guarded: Service, path: str
) -> None:
    assert guarded.client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/health/../v1/model", "/health/%2e%2e/v1/model"])
def test_no_path_sneaks_past_the_gate_by_way_of_health(guarded: Service, path: str) -> None:
    answer = guarded.client.get(guarded.url + path)
    assert answer.status_code in {401, 404}
    assert "labels" not in answer.text


def test_no_secret_reaches_the_log_or_an_answer(guarded: Service) -> None:
    said = ""
    for given in [*RIGHT, *WRONG]:
        for path in ("/v1/model", "/metrics", "/nowhere"):
            said += guarded.client.get(path, headers={"Authorization": given}).text
    said += "".join(guarded.logs)
    for secret in (*KEYS, BASIC, BASIC.partition(":")[2], basic(BASIC).split()[1]):
        assert secret not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_a_service_that_others_can_reach_refuses_to_start_without_credentials(
    cli: Run, host: str
) -> None:
    ran = cli("serve", "--host", host, "--port", "0")
    assert ran.status == 1
    assert len(ran.err.splitlines()) == 1
    assert "SENTISERVE_API_KEYS" in ran.err
    assert "--insecure-no-auth" in ran.err


@pytest.mark.parametrize("value", ["no-colon", "user:", ":password"])
def test_half_a_user_is_refused_without_being_repeated(cli: Run, value: str) -> None:
    ran = cli("serve", "--port", "0", basic_auth=value)
    assert ran.status == 1
    assert ran.err.count("\n") == 1
    assert "SENTISERVE_BASIC_AUTH" in ran.err
    assert value not in ran.err
