"""What S3 answers, in words that say what to do; credentials are those that are around."""

from pathlib import Path

import pytest
from hub import Hub
from places import SECRET, SIZE, WEIGHTS, S3Place, bundle_files
from tls import untrusted_server

from sentiserve.errors import BundleError, UnreachableError
from sentiserve.models.bundle import MANIFEST
from sentiserve.models.locations import remote
from sentiserve.models.s3 import Bucket


def manifest(spec: str) -> bytes:
    return b"".join(remote(spec).read(MANIFEST))


@pytest.mark.parametrize("spec", ["s3://team/models/tickets", "s3://team/models/tickets/"])
def test_a_prefix_is_read_with_and_without_its_slash(s3_place: S3Place, spec: str) -> None:
    assert manifest(spec) == bundle_files()[MANIFEST]
    assert str(remote(spec)) == "s3://team/models/tickets"


def test_a_bundle_may_lie_at_the_top_of_a_bucket(s3_place: S3Place) -> None:
    s3_place.s3.client.put_object(Bucket="team", Key=MANIFEST, Body=b"top")
    assert manifest("s3://team") == manifest("s3://team/") == b"top"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("s3://no-such-team/models", "s3://no-such-team/models: there is no such bucket"),
        ("s3://team/elsewhere", "s3://team/elsewhere is no model bundle: it has no bundle.json"),
    ],
)
def test_what_is_not_there_is_named(s3_place: S3Place, spec: str, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        manifest(spec)


def test_a_bucket_that_may_not_be_read_says_what_is_needed(s3_place: S3Place) -> None:
    s3_place.deny()
    with pytest.raises(BundleError, match=r"access refused \(AccessDenied\).*s3:GetObject"):
        manifest(s3_place.spec)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_key_that_is_wrong_is_refused_and_not_repeated(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    s3_place.deny()
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(BundleError, match="access refused") as refused:
        manifest(s3_place.spec)
    assert SECRET not in str(refused.value)


def test_without_credentials_one_is_told_so(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BundleError, match="credentials"):
        manifest(s3_place.spec)


def test_an_unknown_profile_is_named(s3_place: S3Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BundleError, match="nobody"):
        manifest(s3_place.spec)


def test_a_file_that_is_replaced_while_it_is_read_is_noticed(s3_place: S3Place) -> None:
    bucket = Bucket("team", "models/tickets")
    assert bucket.size(WEIGHTS) == SIZE
    s3_place.publish(bundle_files("2"))
    with pytest.raises(BundleError, match="was replaced meanwhile; run it again"):
        list(bucket.read(WEIGHTS, SIZE // 2))


@pytest.mark.parametrize(
    "endpoint",
    [
        f"http://user:{SECRET}@127.0.0.1:9",
        f"http://user:{SECRET}/@127.0.0.1:9",
        f"user:{SECRET}@127.0.0.1",
    ],
)
def test_credentials_in_the_endpoint_are_not_repeated(
    s3_place: S3Place,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    endpoint: str,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(BundleError) as refused:
        manifest(s3_place.spec)
    assert SECRET not in str(refused.value) + capfd.readouterr().err


def test_an_endpoint_that_gives_no_answer_is_named_and_may_be_asked_again(
    s3_place: S3Place,
) -> None:
    s3_place.line.die(0)
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{s3_place.line.port} gives no answer"):
        manifest(s3_place.spec)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_in_trouble_may_be_asked_again(
    s3_place: S3Place, hub: Hub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Whatever server it is; this one answers with a status and no more."""
    hub.status = status
    monkeypatch.setenv("AWS_ENDPOINT_URL", hub.url)
    with pytest.raises(UnreachableError, match=f"answered {status}"):
        manifest(s3_place.spec)


def test_a_certificate_that_nobody_trusts_is_final_and_a_file_makes_it_trusted(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with untrusted_server(tmp_path) as (url, certificate):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(BundleError, match="self-signed.*AWS_CA_BUNDLE") as refused:
            manifest(s3_place.spec)
        assert not isinstance(refused.value, UnreachableError)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with pytest.raises(BundleError, match="is no model bundle"):
            manifest(s3_place.spec)


def test_a_file_of_certificates_that_is_missing_is_named(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_place.line.url.replace("http:", "https:"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(BundleError, match="certificates is missing.*AWS_CA_BUNDLE"):
        manifest(s3_place.spec)
