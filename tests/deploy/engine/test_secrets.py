"""No secret of a build is in what it built."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from containers import docker, fresh, images, make, saved
from hub import Hub
from line import Line
from places import S3, S3Place, bundle_files

ANEW = "BUILD_FLAGS=--no-cache-filter pulling"  # a pull of an earlier run would do otherwise


@pytest.fixture
def built() -> Iterator[str]:
    name = fresh("pulled")
    with images(name, f"{name}-pulling", f"{name}-installed"):
        yield name


def pull(name: str, stage: str, spec: str, variables: Mapping[str, str]) -> None:
    make("image", ANEW, f"IMAGE={name}", f"STAGE={stage}", f"BUNDLE={spec}", variables=variables)


def contents(image: str) -> bytes:
    """All bytes of an image: every file of every layer, configuration, manifests, history."""
    with saved(image) as directory:
        files = [file.read_bytes() for file in directory.rglob("*") if file.is_file()]
    unpacked = [gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw for raw in files]
    history = docker("history", "--no-trunc", "--format", "json", image)
    return b"\n".join([*unpacked, history.encode(), docker("image", "inspect", image).encode()])


def check(image: str, planted: str, secret: str, stages: tuple[str, ...]) -> None:
    """What is to be there is found, in the same way as the secret isn't."""
    for name in stages:
        found = contents(f"{image}{name}")
        assert planted.encode() in found
        assert secret.encode() not in found


def test_a_token_of_the_hub_is_in_no_layer(built: str, secret: str, hub: Hub) -> None:
    """Nor in the stage that used it."""
    hub.add("team/tickets", bundle_files("with a token")).token = secret
    given = {"HF_TOKEN": secret, "HF_ENDPOINT": hub.url}
    for stage in ("runtime", "pulling"):
        pull(built, stage, "hf:team/tickets", given)
    check(built, "# Revision with a token", secret, ("", "-pulling"))


def test_keys_of_s3_are_in_no_layer(built: str, secret: str, s3: S3) -> None:
    """Nor in the stage that used them."""
    with Line(s3.port) as line:
        place = S3Place(s3, line)
        place.publish(bundle_files("with keys"))
        given = {**place.variables, "AWS_SECRET_ACCESS_KEY": secret}
        for stage in ("runtime", "pulling"):
            pull(built, stage, place.spec, given)
    check(built, "# Revision with keys", secret, ("", "-pulling"))


def test_a_wrong_token_ends_the_build(built: str, secret: str, hub: Hub) -> None:
    """So the tokens above were used."""
    hub.add("team/tickets", bundle_files("of others")).token = secret
    given = {"HF_TOKEN": "wrong", "HF_ENDPOINT": hub.url}
    with pytest.raises(AssertionError, match="sentiserve: .*tickets"):
        pull(built, "runtime", "hf:team/tickets", given)


def test_where_packages_come_from_is_in_no_layer(built: str, secret: str, tmp_path: Path) -> None:
    """The configuration of pip, which may hold a password, is there for its command alone."""
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nno-color = true\n# {secret}\n")
    make(
        "image",
        f"IMAGE={built}",
        "STAGE=installed",
        f"PIP_CONF={config}",
        "BUILD_FLAGS=--no-cache-filter installed",
    )
    check(built, "onnxruntime", secret, ("-installed",))
