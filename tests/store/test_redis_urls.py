"""The URLs of Redis."""

from pathlib import Path

import pytest
from redis_server import password

from sentiserve.errors import SettingsError
from sentiserve.store.redis_urls import parsed
from sentiserve.store.registry import make_store


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://", "redis://localhost:6379"),
        ("redis://host", "redis://host:6379"),
        ("redis://user:secret@host:7000/3", "redis://host:7000"),
        ("redis://:sec%40ret%2F@[::1]:7000", "redis://[::1]:7000"),
        ("rediss://host?ssl_check_hostname=no&ssl_cert_reqs=none", "rediss://host:6379"),
        ("redis+cluster://:secret@host", "redis+cluster://host:6379"),
        ("unix:///run/redis.sock?db=2&password=secret", "unix:///run/redis.sock"),
    ],
)
def test_the_name_shows_no_credentials(url: str, name: str) -> None:
    """What may be shown is where the server is, no more."""
    assert parsed(url).name == name
    assert parsed(url).is_cluster == ("+cluster" in url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://:SECRET@host:port", "cannot be read"),
        ("redis://:SEC/RET@host", "cannot be read"),
        ("redis://:SECRET@host:99999", "cannot be read"),
        ("redis://user:123/SECRET@host", "that is not percent-encoded"),
        ("redis://user:123?SECRET@host", "that is not percent-encoded"),
        ("redis://user:123#SECRET@host", "that is not percent-encoded"),
        ("redis://:SECRET@host/posts", "number of a database"),
        ("redis://:SECRET@host?db=one", "Invalid value for 'db'"),
        ("redis://:SECRET@host?timeuot=1", "no option timeuot"),
        ("redis://:SECRET@host?ssl_ca_certs=ca.pem", "no option ssl_ca_certs"),
        ("rediss://:SECRET@host?ssl_ca_certs=no/such.pem", "no/such.pem is no file"),
        ("rediss://:SECRET@host?ssl_cert_reqs=maybe", "none, optional or required"),
        ("redis+cluster://:SECRET@host/1", "only database 0"),
        ("unix://?password=SECRET", "no socket"),
    ],
)
def test_what_cannot_be_used_is_refused(url: str, why: str) -> None:
    """The error says what is wrong and how such URLs are written, and repeats no password."""
    secret = password()
    with pytest.raises(SettingsError, match=why) as caught:
        make_store(url.replace("SECRET", secret).replace("SEC/RET", f"{secret}/"), 60)
    assert "redis://[USER:PASSWORD@]HOST" in str(caught.value)
    assert secret not in str(caught.value)


def test_certificates_are_files(tmp_path: Path) -> None:
    """They are looked for when the store is made, not at the first question."""
    (tmp_path / "ca.pem").touch()
    assert parsed(f"rediss://host?ssl_ca_certs={tmp_path}/ca.pem").name == "rediss://host:6379"
