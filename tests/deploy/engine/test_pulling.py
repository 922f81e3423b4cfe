"""The image as a task on AWS has it: with what fetches a bundle from elsewhere."""

from collections.abc import Iterator

import httpx
import pytest
from containers import KEY, ServiceContainer, fresh, images, make
from line import Line
from places import S3, S3Place
from processes import PATIENCE
from redis_server import free_port

from sentiserve.models.bundle import MANIFEST, default_bundle, open_bundle


@pytest.fixture
def pulling(image: str) -> Iterator[str]:  # built before, so that the rest is in the cache
    name = fresh("pulling")
    with images(name):
        make("image", f"IMAGE={name}", "LOCK=hub")
        yield name


def test_the_model_comes_from_a_bucket_when_it_starts(pulling: str, s3: S3) -> None:
    """On a read-only root, by nobody in particular; the image's own bundle is not what answers."""
    bundle = open_bundle(default_bundle())
    names = (*bundle.manifest.files, MANIFEST)
    port = free_port()
    with Line(s3.port) as line:
        place = S3Place(s3, line)
        place.publish({name: (bundle.path / name).read_bytes() for name in names})
        known = [f"--env={name}={value}" for name, value in place.variables.items()]
        env = {"HOST": "127.0.0.1", "PORT": str(port), "MODEL": place.spec}
        with ServiceContainer(pulling, "--network=host", *known, **env):
            assert line.carried > (bundle.path / bundle.manifest.weights).stat().st_size
            answer = httpx.get(
                f"http://127.0.0.1:{port}/v1/model",
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=PATIENCE,
                trust_env=False,
            )
    assert answer.json()["id"] == bundle.manifest.model_id
