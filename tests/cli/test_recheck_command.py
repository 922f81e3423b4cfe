"""``sentiserve recheck``, with a real history and a source that another package brings."""

import json
from pathlib import Path

import pytest
from packages import offer_source
from processes import Run

MOODY = """
import json
from pathlib import Path

from sentiserve.errors import NotFoundError, PostDeletedError
from sentiserve.types import Post, PostRef


class Moody:
    def parse(self, url):
        return PostRef("moody", url[6:]) if url.startswith("moody:") else None

    async def open(self): ...

    async def close(self): ...

    async def fetch(self, refs):
        now = json.loads(Path("moody.json").read_text())
        return [self._one(ref, now) for ref in refs]

    def _one(self, ref, now):
        if ref.platform != "moody":
            return NotFoundError("not mine")
        if ref.id not in now:
            return PostDeletedError("it has been deleted")
        return Post(ref, now[ref.id], url=f"moody:{ref.id}")


def from_settings(settings):
    return Moody()
"""


def say(directory: Path, **posts: str) -> None:
    (directory / "moody.json").write_text(json.dumps(posts))


@pytest.fixture(autouse=True)
def _moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform with three posts, all of them stored."""
    offer_source(tmp_path / "site", "moody", MOODY, monkeypatch)
    monkeypatch.setenv("SENTISERVE_SOURCES", "archive,moody")
    say(tmp_path, one="Lovely.", two="Awful.", three="Fine.")


def test_the_store_and_the_history_follow_the_platform(cli: Run, tmp_path: Path) -> None:
    urls = ("moody:one", "moody:two", "moody:three")
    assert cli("ingest", "url", *urls).status == 0
    say(tmp_path, one="Lovely.", two="Not that awful after all.")

    ran = cli("recheck", "--older-than", "0m", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out) == {
        "platforms": {
            "moody": {
                "due": 3, "same": 1, "edited": 1, "forgotten": 1, "notFound": 0, "failed": 0,
            }
        },
        "finished": True,
    }  # fmt: skip

    stats = json.loads(cli("store", "stats", "--json").out)
    assert [list(stats[place].values()) for place in ("online", "offline")] == [[2], [2]]
    assert cli("recheck").out.strip() == "no post is due"
    table = cli("recheck", "--older-than", "0m").out
    assert table.split() == [
        *("platform", "due", "same", "edited", "forgotten", "not", "found", "failed"),
        *("moody", "2", "2", "0", "0", "0", "0"),
    ]


@pytest.mark.parametrize(
    ("env", "arguments", "says"),
    [
        ({"history": "off"}, (), "SENTISERVE_HISTORY is off"),
        ({"history": "nowhere"}, (), "there is no history at"),
        ({"sources": "archive"}, (), "no source asks a platform"),
        ({}, ("--older-than", "soon"), "30m, 2h, 7d or 4w"),
    ],
)
def test_what_it_cannot_do_without_is_one_line(
    cli: Run, env: dict[str, str], arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "data" / "sentiserve" / "history").mkdir(parents=True)
    ran = cli("recheck", *arguments, **env)
    assert ran.status == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_platform_that_no_post_is_of_is_refused(cli: Run) -> None:
    assert cli("ingest", "url", "moody:one").status == 0
    ran = cli("recheck", "--platform", "mody", "--older-than", "0m")
    assert ran.status == 1
    assert "the history has no posts of a platform 'mody', only of moody" in " ".join(
        ran.err.split()
    )
    assert cli("recheck", "--platform", "moody").status == 0
