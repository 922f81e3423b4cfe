"""What a hub answers, in words that say what to do; its token goes nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from places import SECRET, WEIGHTS, HubPlace, bundle_files
from tls import untrusted_server

from sentiserve.errors import BadInputError, BundleError, OfflineError, UnreachableError
from sentiserve.models.bundle import MANIFEST
from sentiserve.models.hub import Hub
from sentiserve.models.locations import remote

REPOSITORY = "team/tickets"


def manifest(spec: str) -> bytes:
    return b"".join(remote(spec).read(MANIFEST))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("hf:team/nothing", "hf:team/nothing: no such repository.*HF_TOKEN"),
        ("hf:team/tickets@v9", "hf:team/tickets@v9: the repository has no revision 'v9'"),
    ],
)
def test_what_is_not_there_is_named(hub_place: HubPlace, spec: str, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        manifest(spec)


def test_a_name_that_no_repository_can_have_is_refused(hub_place: HubPlace) -> None:
    with pytest.raises(BadInputError, match="ORG/NAME"):
        manifest("hf:team--x/tickets")


def test_a_revision_may_be_a_tag_a_branch_or_a_commit(hub_place: HubPlace) -> None:
    repository = hub_place.hub.repositories[REPOSITORY]
    commit = repository.refs["main"]
    repository.commit(bundle_files("2"), "v2", "refs/pr/1")
    assert b'"revision":"1"' in manifest(f"hf:team/tickets@{commit}")
    for revision in ("", "@main", "@v2", "@refs/pr/1"):
        assert b'"revision":"2"' in manifest(f"hf:team/tickets{revision}")


def test_a_branch_that_moves_meanwhile_changes_nothing(hub_place: HubPlace) -> None:
    hub = Hub(REPOSITORY)
    hub.size(MANIFEST)
    hub_place.publish(bundle_files("2"))
    assert b"".join(hub.read(WEIGHTS)) == bundle_files()[WEIGHTS]


def test_a_private_repository_opens_with_the_token_alone(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_place.deny()
    with pytest.raises(BundleError, match="set HF_TOKEN if it is private"):
        manifest(hub_place.spec)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    assert manifest(hub_place.spec)


def test_the_token_stays_with_the_hub_when_large_files_lie_elsewhere(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store of large files here refuses whoever sends it a token."""
    hub_place.deny()
    monkeypatch.setenv("HF_TOKEN", SECRET)
    assert b"".join(Hub(REPOSITORY).read(WEIGHTS)) == bundle_files()[WEIGHTS]


@pytest.mark.parametrize("token", [None, "another"])
def test_a_gated_repository_says_to_ask_for_access(
    hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    hub_place.deny()
    hub_place.hub.repositories[REPOSITORY].gated = True
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(BundleError, match="is gated: ask for access on its page"):
        manifest(hub_place.spec)


def test_a_checkpoint_says_how_to_make_a_bundle_of_it(hub_place: HubPlace) -> None:
    hub_place.publish({"config.json": b"{}", "model.safetensors": b""})
    with pytest.raises(BundleError, match="sentiserve model export hf:team/tickets DIR"):
        manifest(hub_place.spec)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access_is_final(hub_place: HubPlace, status: int) -> None:
    hub_place.hub.status = status
    with pytest.raises(BundleError, match="HF_TOKEN") as refused:
        manifest(hub_place.spec)
    assert not isinstance(refused.value, UnreachableError)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_hub_in_trouble_may_be_asked_again(hub_place: HubPlace, status: int) -> None:
    hub_place.hub.status = status
    with pytest.raises(UnreachableError, match=f"answered {status}"):
        manifest(hub_place.spec)


def test_a_server_that_is_no_hub_is_told_apart(hub_place: HubPlace) -> None:
    hub_place.hub.status = 204
    with pytest.raises(BundleError, match="does not answer as a hub does; check HF_ENDPOINT"):
        manifest(hub_place.spec)


def test_a_hub_that_sends_no_parts_is_read_past_what_is_there(hub_place: HubPlace) -> None:
    hub_place.hub.ranges = False
    assert b"".join(Hub(REPOSITORY).read(WEIGHTS, 1000)) == bundle_files()[WEIGHTS][1000:]


def test_a_hub_that_sends_one_round_in_circles_is_final(hub_place: HubPlace) -> None:
    hub_place.hub.status = 302
    with pytest.raises(BundleError, match="redirects without end; check HF_ENDPOINT") as refused:
        manifest(hub_place.spec)
    assert not isinstance(refused.value, UnreachableError)


@pytest.fixture
def new_session() -> Iterator[None]:
    """Nothing is kept of earlier connections, nor of these; what is trusted is read but once."""
    huggingface_hub.close_session()
    yield
    huggingface_hub.close_session()


@pytest.mark.usefixtures("new_session")
def test_a_certificate_that_nobody_trusts_is_final_and_a_file_makes_it_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with untrusted_server(tmp_path) as (url, certificate):
        monkeypatch.setenv("HF_ENDPOINT", url.replace("//", f"//user:{SECRET}@"))
        with pytest.raises(BundleError, match="self-signed.*SSL_CERT_FILE") as refused:
            manifest("hf:team/tickets")
        assert not isinstance(refused.value, UnreachableError)
        assert SECRET not in str(refused.value)
        huggingface_hub.close_session()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(BundleError, match="answered 404"):
            manifest("hf:team/tickets")


@pytest.mark.usefixtures("new_session")
@pytest.mark.parametrize(("text", "says"), [(None, "is missing"), ("nothing", "holds none")])
def test_a_file_of_certificates_that_cannot_be_used_is_named(
    hub_place: HubPlace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    text: str | None,
    says: str,
) -> None:
    file = tmp_path / "authority.pem"
    if text:
        file.write_text(text)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(BundleError, match=f"trusted certificates {says}.*SSL_CERT_FILE"):
        manifest(hub_place.spec)


def test_offline_mode_asks_nobody(hub_place: HubPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineError, match="HF_HUB_OFFLINE"):
        manifest(hub_place.spec)
    assert hub_place.line.carried == 0


@pytest.mark.parametrize(
    "endpoint",
    [
        f"http://user:{SECRET}@127.0.0.1:9",
        f"http://user:{SECRET}/@127.0.0.1:9",
        f"ftp://user:{SECRET}@127.0.0.1:9",
    ],
)
def test_credentials_in_the_endpoint_are_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(BundleError) as refused:
        manifest("hf:team/tickets")
    assert SECRET not in str(refused.value) + capfd.readouterr().err


def test_an_endpoint_of_another_protocol_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "ftp://127.0.0.1:9")
    with pytest.raises(BundleError, match="HF_ENDPOINT is no usable URL"):
        manifest("hf:team/tickets")
