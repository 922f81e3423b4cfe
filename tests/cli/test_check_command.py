"""``sentiserve check``: what is wrong, and what to do."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from disk import room_for
from packages import offer_source
from processes import Run
from redis_server import RedisServer

from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing.bluesky_server import BlueskyServer
from sentiserve.testing.oembed_server import OEmbedServer
from sentiserve.testing.x_answers import PROBLEMS
from sentiserve.testing.x_server import XServer


def check(cli: Run, *flags: str | Path, status: int, **env: str) -> dict[str, Any]:
    ran = cli("check", "--json", *flags, **env)
    assert ran.status == status
    found: dict[str, Any] = json.loads(ran.out)
    assert len(ran.out.splitlines()) == 1
    return found


def test_everything_is_fine_out_of_the_box(cli: Run) -> None:
    found = check(cli, status=0)
    used = [name for name, part in found.items() if part["ok"]]
    assert used == ["settings", "model", "store", "history", "source archive"]
    assert all(part["ok"] is not False and part["detail"] for part in found.values())


def test_it_says_what_each_source_gives_and_which_are_off(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "from sentiserve.testing.fakes import FakeFeed\nfrom_settings = lambda _: FakeFeed([])"
    offer_source(tmp_path / "site", "shelf", module, monkeypatch)
    found = check(cli, "--sources", "archive,shelf", status=0)
    assert found["source archive"]["detail"] == "gives lookup"
    assert found["source shelf"]["detail"] == "gives lookup, home, stream, tag, user"
    assert found["source x"]["ok"] is None
    assert "SENTISERVE_X_BEARER_TOKEN" in found["source x"]["detail"]


def test_the_default_sources_pass_without_any_network(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENTISERVE_SOURCES")
    found = check(cli, status=0)
    gives = {name: part["detail"] for name, part in found.items() if name.startswith("source ")}
    assert gives["source oembed"] == "gives lookup"
    assert gives["source bluesky"] == "gives lookup, stream, tag, user"
    assert gives["source mastodon"] == "gives lookup, tag, user"
    assert found["source x"]["ok"] is None


def test_what_x_lacks_is_named(cli: Run) -> None:
    found = check(cli, "--sources", "x", status=0, x_bearer_token="secret-token-4711")
    assert found["source x"]["detail"] == (
        "gives lookup, stream, tag, user; home needs SENTISERVE_X_USER_TOKEN"
    )
    found = check(cli, "--sources", "x", status=1)
    assert "SENTISERVE_X_BEARER_TOKEN" in found["source x"]["detail"]


def test_whoever_answers_is_known_only_by_asking(cli: Run) -> None:
    """Nothing is sent without the flag; whatever the answer is, somebody is there."""
    with XServer([], {"17": "ann"}) as x, OEmbedServer() as oembed, BlueskyServer() as bluesky:
        servers = {
            "x_url": x.url,
            "oembed_url": oembed.url,
            "bluesky_url": bluesky.url,
            "x_bearer_token": "app-token",
        }
        names = ("x", "oembed", "bluesky")
        check(cli, "--sources", ",".join(names), status=0, **servers)
        assert [*x.requests, *oembed.requests, *bluesky.requests] == []
        found = check(cli, "--sources", ",".join(names), "--online", status=0, **servers)
        assert all("it answers" in found[f"source {name}"]["detail"] for name in names)
        assert len(x.requests) == len(oembed.requests) == 1
        x.refusal = PROBLEMS["unauthorized"]
        found = check(cli, "--sources", "x", "--online", status=1, **servers)
        assert "SENTISERVE_X_BEARER_TOKEN" in found["source x"]["detail"]


def test_every_host_of_mastodon_is_asked_whether_it_answers(cli: Run) -> None:
    """Also where mastodon.social is none of them."""
    found = check(
        cli, "--sources", "mastodon", "--online", status=1, mastodon_hosts="Social.invalid"
    )
    assert "social.invalid can't be reached" in found["source mastodon"]["detail"]


def test_people_get_a_table(cli: Run) -> None:
    ran = cli("check", "--sources", "archive,gopher")
    assert ran.status == 1
    first_words = [line.split()[0] for line in ran.out.splitlines() if line[:1].strip()]
    assert first_words.count("ok") == 5
    assert first_words.count("FAILED") == 1
    assert "gopher" in ran.out


def test_a_broken_part_fails_alone_and_says_what_to_do(
    cli: Run, tmp_path: Path, bundle: Path
) -> None:
    (tmp_path / "file").touch()
    (bundle / "tokenizer.json").write_text("{}")
    found = check(
        cli,
        *("--store", f"sqlite:///{tmp_path}/file/store.db"),
        *("--model", bundle),
        *("--archive", "nowhere.jsonl"),
        status=1,
    )
    assert [name for name, part in found.items() if part["ok"]] == ["settings", "history"]
    assert "SENTISERVE_STORE" in found["store"]["detail"]
    assert "fetch or export the bundle again" in found["model"]["detail"]
    assert "nowhere.jsonl: no such file" in found["source archive"]["detail"]


@pytest.mark.parametrize(
    ("env", "part", "says"),
    [
        ({"store": "carrier-pigeon://x"}, "store", "known: memory, redis"),
        ({"sources": "gopher"}, "source gopher", "known: archive"),
        ({"ttl": "never"}, "settings", "SENTISERVE_TTL"),
    ],
)
def test_a_setting_that_cannot_be_used_fails(
    cli: Run, env: dict[str, str], part: str, says: str
) -> None:
    found = check(cli, status=1, **env)
    assert [name for name, said in found.items() if said["ok"] is False] == [part]
    assert says in found[part]["detail"]


def test_no_secret_is_shown(cli: Run) -> None:
    ran = cli("check", "--json", api_keys="key-4711", basic_auth="only-a-password-0815")
    assert ran.status == 1
    assert "SENTISERVE_BASIC_AUTH" in ran.out
    assert "4711" not in ran.out + ran.err
    assert "0815" not in ran.out + ran.err


def test_a_misspelt_setting_fails(cli: Run) -> None:
    found = check(cli, status=1, SENTISERVE_STOR="memory://")
    assert "SENTISERVE_STOR" in found["settings"]["detail"]


def test_a_misspelt_line_of_the_env_file_fails_too(cli: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SENTISERVE_STOER=memory://\n")
    found = check(cli, status=1)
    assert "SENTISERVE_STOER" in found["settings"]["detail"]


def test_the_version_is_shown(cli: Run) -> None:
    assert cli("--version").out.strip().count(".") == 2


def test_a_store_that_is_not_there_is_not_created(cli: Run, tmp_path: Path) -> None:
    """It is no failure, for the service creates it; but whoever mistyped its name can see it."""
    before = set(tmp_path.rglob("*"))
    found = check(cli, "--store", "sqlite:///new/typo.db", "--history", "off", status=0)
    assert found["store"]["detail"].startswith("sqlite:///new/typo.db (not there yet")
    assert set(tmp_path.rglob("*")) == before


def test_a_store_stays_as_it_was(cli: Run, tmp_path: Path) -> None:
    """What is written to see whether it can be is gone again."""
    path = tmp_path / "store.db"
    asyncio.run(_created(path))
    check(cli, "--store", f"sqlite:///{path}", status=0)
    assert b"sentiserve-check" not in path.read_bytes()
    with RedisServer() as redis, closing(redis.client()) as client:
        check(cli, "--store", redis.url, status=0)
        assert client.keys() == []


def test_a_disk_without_room_fails(cli: Run, tmp_path: Path) -> None:
    """Where the store is, and where it would be."""
    path = tmp_path / "store.db"
    asyncio.run(_created(path))
    for name in ("store.db", "new.db"):
        with room_for(40_000):
            found = check(cli, "--store", f"sqlite:///{name}", "--history", "off", status=1)
        assert [part for part, said in found.items() if said["ok"] is False] == ["store"]
        assert "SENTISERVE_STORE" in found["store"]["detail"]


async def _created(path: Path) -> None:
    store = SqliteStore(path, ttl=60)
    await store.open()
    await store.close()


def test_a_redis_that_is_full_fails(cli: Run) -> None:
    """It answers whatever is asked, and refuses what is to be kept."""
    with RedisServer() as redis, closing(redis.client()) as client:
        client.config_set("maxmemory", 1)
        found = check(cli, "--store", redis.url, status=1)
    assert "it is full" in found["store"]["detail"]
    assert "raise its maxmemory" in found["store"]["detail"]
