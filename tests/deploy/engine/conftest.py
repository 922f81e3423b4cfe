"""The image that the tests look at, built once."""

import secrets
from collections.abc import Iterator

import pytest
from containers import fresh, images, make


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that run in parallel share one engine: these go one after another."""
    item.add_marker(pytest.mark.xdist_group("docker"))


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The image, as ``make image`` builds it, and its stages as ``NAME-deps``, ``NAME-model``."""
    name = fresh("image")
    with images(name, f"{name}-deps", f"{name}-model"):
        for stage in ("model", "deps", "runtime"):
            make("image", f"IMAGE={name}", f"STAGE={stage}")
        yield name


@pytest.fixture
def secret() -> str:
    """What must be found nowhere."""
    return f"planted-{secrets.token_hex(12)}"
