"""Each store has a journal of its own."""

from pathlib import Path

import pytest

from sentiserve.journal.place import place

ROOT = Path("/journal")


def test_the_same_store_has_the_same_journal() -> None:
    for one, other in (
        ("redis://:secret@host:6379/0", "redis://:renewed@host:6379/0"),
        ("unix:///run/redis.sock?db=1&password=a", "unix:///run/redis.sock?password=b&db=1"),
        ("sqlite:///posts.db", f"sqlite:///{Path.cwd()}/posts.db"),
        ("sqlite:///~/posts.db", f"sqlite:///{Path.home()}/posts.db"),
    ):
        assert place(ROOT, one) == place(ROOT, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis://host:6379/0", "redis://host:6379/1"),
        ("redis://host:6379/0?prefix=a", "redis://host:6379/0?prefix=b"),
        ("sqlite:///posts.db", "sqlite:////posts.db"),
        ("sqlite:///posts.db", "memory://"),
    ],
)
def test_two_stores_have_two(one: str, other: str) -> None:
    assert place(ROOT, one) != place(ROOT, other)


def test_no_password_is_in_its_name() -> None:
    assert "hunter2" not in str(place(ROOT, "redis://:hunter2@host"))
