"""The figures: what they show, to whoever sees them and whoever doesn't."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svgs import SVG, parsed, strangers, texts, tips

from sentiserve.insights import figures
from sentiserve.insights.figures import NARROW, WIDE, Figure
from sentiserve.types import Aggregate, Step, Stretch

LABELS = ("negative", "neutral", "positive")
MONDAY = datetime(2026, 9, 14, tzinfo=UTC)


def aggregate(
    name: str, counts: Mapping[str, int], handle: str | None = None, platform: str | None = "x"
) -> Aggregate:
    return Aggregate(platform, name, handle, counts, {}, MONDAY, MONDAY)


def stretch(after: timedelta, **counts: int) -> Stretch:
    return Stretch(MONDAY + after, counts)


ANNA = aggregate("7", {"negative": 1, "neutral": 4, "positive": 5}, "anna")
BEN = aggregate("8", {"negative": 3}, "ben")


def every_figure(name: str = "anna", label: str = "joy") -> list[Figure]:
    """Each kind of figure, with data and without, about a name and a label from outside."""
    labels = (*LABELS, label)
    counts = {"negative": 2, label: 3}
    found = aggregate(name, counts, name, name)
    stretches = [Stretch(MONDAY, counts)]
    return [
        figures.authors([found, BEN], labels),
        figures.authors([], labels),
        figures.hashtags([found], labels),
        figures.hashtag(name, found, labels),
        figures.hashtag(name, None, labels),
        figures.timeline(stretches, Step.DAY, labels, name),
        figures.timeline([], Step.DAY, labels, name),
    ]


def test_the_most_active_authors_are_bars_with_shares_and_posts() -> None:
    """Each author has a bar, with the shares on it where there is room, and the posts beside."""
    figure = figures.authors([ANNA, BEN], LABELS)
    seen = texts(parsed(figure.svg()))
    assert seen == [
        *LABELS,
        *("anna", "10\xa0posts", "10\xa0%", "40\xa0%", "50\xa0%"),
        *("ben", "3\xa0posts", "100\xa0%"),
    ]
    assert "anna (x): neutral 4 of 10\xa0posts (40\xa0%)" in tips(parsed(figure.svg()))
    assert figure.columns[:4] == ("author", "posts", "negative", "negative, share")
    assert figure.rows[1] == (
        *("ben (x)", "3", "3", "100\xa0%"),
        *("0", "0\xa0%", "0", "0\xa0%"),
    )
    assert "anna (x) has the most, 10\xa0posts: negative 10\xa0%" in figure.description


def test_the_most_used_hashtags_are_bars_too() -> None:
    """With the sign that makes a hashtag of a word."""
    found = [aggregate("sun", {"positive": 2}, platform=None)]
    figure = figures.hashtags(found, LABELS)
    assert texts(parsed(figure.svg()))[3:] == ["#sun", "2\xa0posts", "100\xa0%"]
    assert figure.rows[0][:2] == ("#sun", "2")
    assert "sentiserve ingest" in figures.hashtags([], LABELS).description


def test_authors_of_several_platforms_are_told_apart() -> None:
    """A handle alone says who it is only as long as there is one platform."""
    other = aggregate("anna@social.example", {"neutral": 1}, platform="mastodon")
    assert "anna (x)" in texts(parsed(figures.authors([ANNA, other], LABELS).svg()))


def test_a_bars_length_is_the_share() -> None:
    """Twice the posts, twice the length."""
    figure = figures.authors([aggregate("1", {"negative": 20, "positive": 40})], LABELS)
    picture = parsed(figure.svg())
    long = [
        float(rect.attrib["width"])
        for group in picture.iter(f"{SVG}g")
        for rect in group.findall(f"{SVG}rect")[:1]
    ]
    assert long[1] + 1.5 == pytest.approx(2 * (long[0] + 1.5), abs=0.05)


def test_a_hashtag_is_a_donut_with_its_shares_in_words() -> None:
    """The key says each label's share and posts; the middle says how many there are."""
    found = aggregate("bitcoin", {"negative": 10, "neutral": 9, "positive": 6}, platform=None)
    figure = figures.hashtag("bitcoin", found, LABELS)
    seen = texts(parsed(figure.svg()))
    assert seen[:2] == ["25", "posts"]
    assert seen[2:5] == ["negative", "40\xa0%", "10\xa0posts"]
    assert figure.title == "Sentiment of #bitcoin"
    assert figure.rows[2] == ("positive", "6", "24\xa0%")
    assert figures.hashtag("#bitcoin", found, LABELS).svg() == figure.svg()


def test_a_hashtag_of_one_label_is_a_whole_ring() -> None:
    """An arc from a point to itself would be nothing at all."""
    figure = figures.hashtag("sun", aggregate("sun", {"positive": 3}), LABELS)
    [ring] = [p for p in parsed(figure.svg()).iter(f"{SVG}path") if "evenodd" in str(p.attrib)]
    assert ring.attrib["d"].count("A") == 4


def test_shares_are_never_rounded_to_none_or_all() -> None:
    """One post in a thousand is not 0 %, and the others are not 100 %."""
    figure = figures.hashtag("sun", aggregate("sun", {"negative": 1, "positive": 999}), LABELS)
    assert [row[2] for row in figure.rows] == ["0.1\xa0%", "0\xa0%", "99.9\xa0%"]


def test_time_without_posts_is_a_gap() -> None:
    """Columns stand where their time is: one day, three without posts, and another day."""
    days = [stretch(timedelta(days=0), positive=2), stretch(timedelta(days=4), negative=4)]
    figure = figures.timeline(days, Step.DAY, LABELS, "sun")
    columns = [
        group.findall(f"{SVG}rect")[0]
        for group in parsed(figure.svg()).iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None
    ]
    first, second = columns
    apart = float(second.attrib["x"]) - float(first.attrib["x"])
    assert apart == pytest.approx(4 * (WIDE - 20) / 5, rel=0.05)
    assert float(second.attrib["height"]) + 1 == pytest.approx(
        2 * (float(first.attrib["height"]) + 1), abs=0.05
    )
    assert figure.title == "Sentiment of #sun over time, by day"
    assert figure.rows == (
        ("2026-09-14 00:00", "2", "0", "0", "2"),
        ("2026-09-18 00:00", "4", "4", "0", "0"),
    )
    tip = "day from 2026-09-18 00:00 UTC: 4\xa0posts; negative 4"
    assert tip in tips(parsed(figure.svg()))


@pytest.mark.parametrize(
    ("step", "lasting", "unit"),
    [
        (Step.HOUR, timedelta(hours=48), "hour"),
        (Step.HOUR, timedelta(days=10), "6 hours"),
        (Step.DAY, timedelta(days=30), "day"),
        (Step.DAY, timedelta(days=300), "week"),
        (Step.DAY, timedelta(days=3000), "52 weeks"),
        (Step.DAY, timedelta(days=400_000), "some 32 years"),
    ],
)
def test_a_long_time_is_divided_into_longer_spans(
    step: Step, lasting: timedelta, unit: str
) -> None:
    """No more columns than can be seen, and no post is left out."""
    found = [stretch(timedelta(0), neutral=1), stretch(lasting, neutral=2)]
    figure = figures.timeline(found, step, LABELS)
    assert figure.title.endswith(f"by {unit}")
    assert [row[1] for row in figure.rows] == ["1", "2"]
    for width in (WIDE, NARROW):
        rects = list(parsed(figure.svg(width)).iter(f"{SVG}rect"))
        assert min(float(r.attrib["width"]) for r in rects) > 2
        assert max(float(r.attrib.get("x", 0)) for r in rects) < width


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "years", [(1, 1), (1, 2), (1, 2026), (1, 9999), (2026, 9999), (9999, 9999)]
)
def test_any_time_that_can_be_stored_is_drawn(step: Step, years: tuple[int, int]) -> None:
    """From the calendar's first hour to its last one, alone or beside others, with every post."""
    first = datetime(years[0], 1, 1, tzinfo=UTC)
    last = step.start_of(datetime(years[1], 12, 31, 23, tzinfo=UTC))
    found = [Stretch(first, {"neutral": 1}), Stretch(last, {"positive": 2})]
    figure = figures.timeline(found, step, LABELS)
    assert sum(int(row[1]) for row in figure.rows) == 3
    for width in (WIDE, NARROW):
        rects = list(parsed(figure.svg(width)).iter(f"{SVG}rect"))
        assert min(float(r.attrib["width"]) for r in rects) > 2


def test_weeks_begin_on_mondays() -> None:
    """Whatever day the posts are of."""
    days = [stretch(timedelta(days=3), neutral=1), stretch(timedelta(days=303), neutral=1)]
    figure = figures.timeline(days, Step.DAY, LABELS)
    assert figure.rows[0][0] == "2026-09-14 00:00"


def test_a_column_of_several_days_is_called_what_it_is() -> None:
    """In the picture, its tips, its words and its table, for whoever asked for days."""
    days = [stretch(timedelta(days=0), neutral=1), stretch(timedelta(days=300), neutral=1)]
    figure = figures.timeline(days, Step.DAY, LABELS)
    told = "by week; too long to show by day"
    for width in (WIDE, NARROW):
        assert told in texts(parsed(figure.svg(width)))
    assert told in figure.description
    tip = "week from 2026-09-14 00:00 UTC: 1\xa0post; neutral 1"
    assert tip in tips(parsed(figure.svg()))
    assert figure.columns[0] == "week from (UTC)"


def test_the_axes_say_round_numbers_and_times_in_words() -> None:
    """Whole posts from nought on; full hours, with the day where it is new."""
    hours = [stretch(timedelta(hours=h), neutral=2 + h) for h in (0, 1, 20)]
    seen = texts(parsed(figures.timeline(hours, Step.HOUR, LABELS).svg()))
    assert seen[3:] == [
        *("0", "10", "20", "30"),
        *("14 Sep 2026 00:00", "06:00", "12:00", "18:00"),
        "by hour",
    ]


@pytest.mark.parametrize("figure", every_figure(), ids=lambda figure: figure.key)
@pytest.mark.parametrize("width", [200, NARROW, WIDE, 1600])
def test_whoever_does_not_see_it_is_told(figure: Figure, width: int) -> None:
    """A picture with a name and a description, or the table behind it."""
    picture = parsed(figure.svg(width))
    assert picture.attrib["role"] == "img"
    ids = picture.attrib["aria-labelledby"].split()
    named = {e.attrib["id"]: e.text for e in picture.iter() if "id" in e.attrib}
    assert [named[id_] for id_ in ids] == [figure.title, figure.description]
    assert all(len(row) == len(figure.columns) for row in figure.rows)


def test_nothing_to_show_says_what_to_do() -> None:
    """An empty store is no empty picture."""
    for figure, remedy in [
        (figures.authors([], LABELS), "sentiserve ingest"),
        (figures.hashtag("sun", None, LABELS), "sentiserve report"),
        (figures.timeline([], Step.DAY, LABELS), "sentiserve ingest"),
    ]:
        for width in (NARROW, WIDE):
            assert remedy in " ".join(texts(parsed(figure.svg(width))))
        assert figure.rows == ()
        assert figure.table() is None


def test_the_same_data_give_the_same_picture() -> None:
    """To the last byte; and each picture of a page has ids of its own."""
    first, second = every_figure(), every_figure()
    assert [f.svg() for f in first] == [f.svg() for f in second]
    ids = [
        element.attrib["id"]
        for figure in (first[0], *first[2:4], first[5])
        for width in (NARROW, WIDE)
        for element in parsed(figure.svg(width)).iter()
        if "id" in element.attrib
    ]
    assert len(ids) == len(set(ids))


def test_many_labels_share_what_can_be_told_apart() -> None:
    """A model with a hundred labels: the most frequent six, and the rest together."""
    labels = [f"label {i}" for i in range(100)]
    counts = {label: 1 + i for i, label in enumerate(labels)}
    figure = figures.hashtag("sun", aggregate("sun", counts), labels)
    assert [row[0] for row in figure.rows] == [*labels[94:], "94 others"]
    assert sum(int(row[1].replace(",", "")) for row in figure.rows) == sum(counts.values())


def test_labels_differ_by_more_than_colour() -> None:
    """No two labels of a picture have the same pattern, and each pattern its name beside it."""
    for labels in (LABELS, ("a", "b", "c", "d", "e", "f", "g")):
        figure = figures.hashtag("sun", aggregate("sun", dict.fromkeys(labels, 1)), labels)
        marks = [
            path.attrib["d"] if (path := pattern.find(f"{SVG}path")) is not None else ""
            for pattern in parsed(figure.svg()).iter(f"{SVG}pattern")
        ]
        assert len(set(marks)) == len(labels)
        assert set(labels) <= set(texts(parsed(figure.svg())))


def test_long_names_are_cut_in_the_middle_in_the_picture_alone() -> None:
    """The table and the tip have them whole."""
    name = "somebody_with_a_very_long_name_" * 5 + "end"
    figure = figures.authors([aggregate("1", {"neutral": 1}, name)], LABELS)
    [cut] = [text for text in texts(parsed(figure.svg())) if "…" in text]
    assert cut.startswith("somebody")
    assert cut.endswith("end")
    assert len(cut) < 40
    assert figure.rows[0][0] == f"{name} (x)"
    assert any(tip.startswith(name) for tip in tips(parsed(figure.svg())))


def test_no_name_is_longer_than_a_table_can_bear() -> None:
    """Of a hundred thousand characters, the first and the last are shown; so of a hashtag."""
    name = f"first{'x' * 100_000}last"
    for figure in (
        figures.authors([aggregate("1", {"neutral": 1}, name)], LABELS),
        figures.hashtags([aggregate(name, {"neutral": 1}, platform=None)], LABELS),
    ):
        shown = figure.rows[0][0]
        assert "first" in shown
        assert "x…x" in shown
        assert "last" in shown
        assert len(shown) < 210
        assert len(figure.svg()) < 10_000
    assert len(figures.hashtag(name, None, LABELS).title) < 230
    assert len(figures.timeline([], Step.DAY, LABELS, name).title) < 230


@pytest.mark.parametrize("blank", ["\ufdd0", "\u200b\u200d", "\u2800", " \u3164 ", "\ufe0f"])
def test_a_name_that_cannot_be_seen_is_replaced(blank: str) -> None:
    """By the author's id, or a word that says so."""
    found = [aggregate(i, {"neutral": 1}, blank) for i in ("7", blank)]
    rows = figures.authors(found, LABELS).rows
    assert [row[0] for row in rows] == ["7 (x)", "(invisible) (x)"]


HOSTILE = [
    "<script>alert(1)</script>",
    "]]>",
    '"><img src=x onerror=alert(1)>',
    "&lt;",
    "\u202e\x00\x1b[2J",
]
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(HOSTILE)


@given(ANYTHING, ANYTHING)
def test_no_name_becomes_markup(name: str, label: str) -> None:
    """Whatever people call themselves, and models their labels."""
    for figure in every_figure(name, label or "joy"):
        for width in (NARROW, WIDE):
            picture = parsed(figure.svg(width, ground=True))
            assert list(strangers(picture)) == []
        if (table := figure.table()) is not None:
            names = {element.tag for element in parsed(str(table)).iter()}
            assert names <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}


def test_a_script_in_a_name_is_shown_as_text() -> None:
    """In the picture, the tip and the table."""
    name = "<b>bold</b>"
    figure = figures.authors([aggregate("1", {"neutral": 1}, name)], LABELS)
    assert name in texts(parsed(figure.svg()))
    assert f"{name} (x)" in [cell.text for cell in parsed(str(figure.table())).iter("bdi")]


def test_nothing_in_a_picture_needs_a_policy_to_yield() -> None:
    """No style, no script and no address outside: a strict Content-Security-Policy holds."""
    for figure in every_figure():
        svg = figure.svg().replace("http://www.w3.org/2000/svg", "", 1)
        assert not [
            word for word in ("style=", "<style", "href", "http", "on") if f" {word}=" in svg
        ]
        assert "://" not in svg
