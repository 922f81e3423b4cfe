"""``sentiserve store``: what is kept, and how it is forgotten."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from processes import Run

from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import Post, Prediction

TEXT = "What a lovely day"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with five predictions of two models."""

    async def fill() -> None:
        opened = SqliteStore(tmp_path / "filled.db", ttl=60)
        await opened.open()
        of_text = example_prediction()
        await opened.put(
            [
                example_prediction("11", author_id="7", author_handle="Anna"),
                example_prediction("12", author_id="7", author_handle="Anna"),
                example_prediction("2", model_id="other"),
                example_prediction("2", platform="mastodon"),
                Prediction(Post.of_text(TEXT), of_text.sentiment, MODEL, of_text.predicted_at),
            ]
        )
        await opened.close()

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/filled.db"


def asked(cli: Run, *arguments: str) -> dict[str, Any]:
    ran = cli("store", *arguments, "--json")
    assert ran.status == 0, ran.err
    answer: dict[str, Any] = json.loads(ran.out)
    return answer


def test_what_is_kept_is_counted_by_model(cli: Run, store: str) -> None:
    expected = {"online": {MODEL: 4, "other": 1}, "offline": {}}
    assert asked(cli, "stats", "--store", store) == expected
    said = cli("store", "stats", "--store", store).out
    assert said.split() == ["model", "store", "history", MODEL, "4", "0", "other", "1", "0"]


@pytest.mark.parametrize(
    ("flags", "gone"),
    [
        (("--post", "x/11"), 1),
        (("--author", "x/@anna"), 2),
        (("--text", TEXT), 1),
        (("--prefix", "x/1"), 2),
        (("--prefix", "mastodon/"), 1),
        (("--post", "x/*"), 0),
    ],
)
def test_what_is_named_is_forgotten(
    cli: Run, store: str, flags: tuple[str, str], gone: int
) -> None:
    assert asked(cli, "forget", *flags, "--store", store)["online"] == gone
    assert sum(asked(cli, "stats", "--store", store)["online"].values()) == 5 - gone


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((), "name one of --post, --author, --text and --prefix"),
        (("--post", "x/1", "--prefix", "x/"), "name one of"),
        (("--post", "11"), "write PLATFORM/NAME"),
        (("--author", "/anna"), "write PLATFORM/NAME"),
        (("--prefix", ""), "sentiserve store clear"),
        (("--author", "x/@"), "handle is empty; write it"),
        (("--author", "x/\udcff"), "handle is not valid Unicode"),  # the byte FF, say
        (("--post", "x/\udcff"), "id is not valid Unicode"),
        (("--post", "x\udcff"), "write PLATFORM/NAME"),
        (("--prefix", "x/\udcff"), "prefix is not valid Unicode"),
        (("--text", "\udcff"), "lone surrogate"),
        (("--text", " "), "the text is empty"),
    ],
)
def test_a_name_that_means_nothing_says_what_to_write(
    cli: Run, store: str, flags: tuple[str, ...], told: str
) -> None:
    ran = cli("store", "forget", *flags, "--store", store)
    assert ran.status == 1
    assert told in ran.err
    assert sum(asked(cli, "stats", "--store", store)["online"].values()) == 5


def test_clearing_asks_for_a_clear_word(cli: Run, store: str) -> None:
    ran = cli("store", "clear", "--store", store)
    assert ran.status == 1
    assert "--yes" in ran.err
    assert asked(cli, "clear", "--yes", "--store", store)["online"] == 5
    assert asked(cli, "stats", "--store", store)["online"] == {}


@pytest.mark.parametrize(
    "command", [("stats",), ("forget", "--post", "x/1"), ("clear", "--yes")], ids=lambda c: c[0]
)
def test_a_store_that_is_not_there_is_refused_and_not_created(
    cli: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    before = set(tmp_path.rglob("*"))
    ran = cli("store", *command, "--store", "sqlite:///typo.db")
    assert (ran.status, ran.out) == (1, "")
    assert "there is no store at typo.db; name another with SENTISERVE_STORE" in ran.err
    assert set(tmp_path.rglob("*")) == before
