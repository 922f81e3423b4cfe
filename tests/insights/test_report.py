"""The report: one HTML file, which shows what the store holds and does nothing."""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from xml.etree import ElementTree as ET

import msgspec
import pytest
from svgs import SVG

from sentiserve.insights.report import Report, Wanted, gather
from sentiserve.insights.report_json import report_json
from sentiserve.insights.report_page import is_report, page
from sentiserve.insights.watch import DriftWatch
from sentiserve.metrics import Metrics
from sentiserve.profile import Measured
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.types import ModelInfo, Post, Prediction, Step

HOSTILE = "<script>alert('x')</script>"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = ModelInfo(
    name="tiny",
    revision="1",
    id="model-1",
    labels=("negative", "neutral", "positive"),
    max_tokens=64,
    preprocessing="none",
    format="onnx",
    licence="Apache-2.0",
    quality={"macro_recall": 0.7474, "accuracy": 0.725},
)


def said(id_: str, text: str, handle: str = "anna", hours: int = 0) -> Prediction:
    return example_prediction(
        id_, author_id=handle, author_handle=handle, text=text,
        created_at=NOON + timedelta(hours=hours),
    )  # fmt: skip


POSTS = [said("1", "#Sun"), said("2", "#sun #rain", hours=30), said("3", "Hi", "ben", hours=200)]


def unmeasured(_: Sequence[str]) -> Measured:
    return Measured({}, [])


async def made(posts: Sequence[Prediction], wanted: Wanted | None = None) -> Report:
    store = MemoryStore(ttl=86_400)
    await store.open()
    await store.put(posts)
    watch = DriftWatch(store, MODEL, lambda: (None, unmeasured), Metrics(), timeout=5)
    report = await gather(store, MODEL, watch, wanted or Wanted())
    await store.close()
    return report


def parsed(html: str) -> ET.Element:
    """The page: it is well-formed XML, too, but for its first line."""
    first, rest = html.split("\n", 1)
    assert first == "<!doctype html>"
    return ET.fromstring(rest)


def heads(root: ET.Element) -> list[str]:
    return ["".join(head.itertext()) for head in root.iter("h2")]


def text(root: ET.Element) -> str:
    return " ".join(" ".join(root.itertext()).split())


async def test_it_shows_all_that_the_store_holds() -> None:
    """A summary, the figures with the tables behind them, recent posts, and what made it."""
    root = parsed(page(await made(POSTS), "1.2.3"))
    assert heads(root) == [
        "Sentiment of the most active authors",
        "Sentiment of the most used hashtags",
        "Sentiment over time, by day",
        "Sentiment of #sun",
        "Sentiment of #sun over time, by hour",
        "Drift",
        "Recent posts",
    ]
    facts = {row[0].text: row[1].text for row in root.iter("dl") for row in row}
    assert facts["model id"] == "model-1"
    assert facts["its quality"] == "macro-averaged recall 0.747, accuracy 0.725"
    assert facts["posts seen"] == "1\xa0Mar\xa02026 to 9\xa0Mar\xa02026"
    assert "Sentiment of 3 posts" in text(root)
    assert "Made by sentiserve 1.2.3 on 2" in text(root)
    assert len(list(root.iter("table"))) == 5
    assert [li.findall("p")[1].text for li in root.iter("li")] == ["Hi", "#sun #rain", "#Sun"]


async def test_the_hashtags_that_are_asked_for_are_told_more_of() -> None:
    """As people write them, each once; one that nobody used says so."""
    root = parsed(page(await made(POSTS, Wanted(tags=["#RAIN", "rain", "snow"])), "1"))
    assert heads(root)[3:6] == [
        "Sentiment of #rain",
        "Sentiment of #rain over time, by hour",
        "Sentiment of #snow",
    ]
    assert "The store holds no post with #snow" in text(root)


async def test_a_short_time_is_told_by_the_hour_and_older_posts_can_be_left_out() -> None:
    """Three days of columns would tell little."""
    report = await made(POSTS, Wanted(since=NOON + timedelta(hours=20)))
    assert report.timeline.posts == 2
    assert report.timeline.step is Step.DAY
    assert (await made(POSTS[:2])).timeline.step is Step.HOUR
    assert "since" in text(parsed(page(report, "1")))


async def test_an_empty_store_says_what_to_do() -> None:
    """And which other model it holds posts of, if it does."""
    said_of_nothing = text(parsed(page(await made([]), "1")))
    assert "sentiserve ingest file posts.jsonl" in said_of_nothing
    assert "--model" not in said_of_nothing
    other = msgspec.structs.replace(POSTS[0], model_id="other")
    told = text(parsed(page(await made([other]), "1")))
    assert "It holds 1 of the model other" in told
    assert "--model" in told


async def test_texts_can_be_left_out() -> None:
    """Of the page and of the JSON; authors and labels stay."""
    report = await made([said("1", "secret words")])
    assert "secret words" in page(report, "1")
    without = page(report, "1", texts="none")
    assert "secret words" not in without
    assert "anna" in without
    assert "secret words" in str(report_json(report, "1"))
    assert "secret words" not in str(report_json(report, "1", texts="none"))


async def test_names_of_recent_posts_can_be_seen_and_are_cut() -> None:
    """One without ink gives way to the id, and one of a hundred thousand characters to a line."""
    post = said("2", "Hi", "y" * 100_000)
    blank = said("1", "Hi", "\u200b")
    named = msgspec.structs.replace(
        blank, post=msgspec.structs.replace(blank.post, author_id="seven")
    )
    root = parsed(page(await made([named, post]), "1"))
    names = ["".join(bdi.itertext()) for li in root.iter("li") for bdi in li.iter("bdi")]
    assert sorted(names) == ["seven", f"{'y' * 99}…{'y' * 99}"]


async def test_texts_of_sources_alone_can_be_left_out() -> None:
    """As in answers: what was asked as a text is told, what a source gave is not."""
    given = msgspec.structs.replace(said("2", ""), post=Post.of_text("own words"))
    report = await made([said("1", "secret words"), given])
    html = page(report, "1", texts="own")
    assert "own words" in html
    assert "secret words" not in html
    told = report_json(report, "1", texts="own")
    assert {post["textInput"] for post in told["recent"]} == {"own words", None}


async def test_script_in_anything_is_shown_as_text() -> None:
    """In a text, a name, a hashtag that is asked for, and an address that is none of the web."""
    post = said("1", HOSTILE, HOSTILE)
    post = msgspec.structs.replace(
        post, post=msgspec.structs.replace(post.post, url="javascript:alert(1)")
    )
    html = page(await made([post], Wanted(tags=[HOSTILE])), "1")
    root = parsed(html)
    assert "<script" not in html
    names = {element.tag for element in root.iter()}
    assert not {"script", "iframe", "object", "img", f"{SVG}script", f"{SVG}image"} & names
    assert [li.findall("p")[1].text for li in root.iter("li")] == [HOSTILE]
    assert f"Sentiment of #{HOSTILE}" in heads(root)
    assert [a for a in root.iter("a") if not a.attrib["href"].startswith("http")] == []
    handlers = [name for e in root.iter() for name in e.attrib if name.startswith("on")]
    assert handlers == []


async def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    """What a browser would need: the digest of the style as it is written."""
    html = page(await made(POSTS), "1")
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    root = parsed(html)
    metas = [meta.attrib for meta in root.iter("meta")]
    [policy] = [m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style
    assert "url(" not in style
    assert [e.tag for e in root.iter() if "style" in e.attrib or "src" in e.attrib] == []


async def test_each_id_is_there_once() -> None:
    """Or a pattern of one picture would be drawn in another."""
    ids = [e.attrib["id"] for e in parsed(page(await made(POSTS), "1")).iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))


async def test_a_report_is_known_by_its_beginning() -> None:
    """So that an earlier one can be replaced, and nothing else is."""
    beginning = page(await made(POSTS), "1").encode()[:2_000]
    assert is_report(beginning)
    assert not is_report(b"<!doctype html><title>another</title>")


async def test_the_json_has_the_words_of_the_http_interface() -> None:
    """Everything that the page tells, for machines."""
    told = msgspec.json.decode(msgspec.json.encode(report_json(await made(POSTS), "1.2.3")))
    assert told["posts"] == 3
    assert told["model"]["id"] == "model-1"
    assert told["authors"][0]["handle"] == "anna"
    assert told["hashtags"][0]["hashtag"] == "sun"
    assert told["tags"]["sun"]["timeline"]["step"] == "hour"
    assert told["timeline"]["stretches"][0]["start"] == "2026-03-01T00:00:00Z"
    assert told["recent"][0]["post"]["id"] == "3"
    assert told["drift"]["drifted"] == []
    assert "has no profile" in told["drift"]["notes"][0]


@pytest.mark.parametrize("count", [0, 2])
async def test_as_many_recent_posts_are_shown_as_are_asked_for(count: int) -> None:
    """None, if none is wanted."""
    root = parsed(page(await made(POSTS, Wanted(recent=count)), "1"))
    assert len(list(root.iter("li"))) == count
