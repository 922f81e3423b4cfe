"""A report as one HTML file, which needs no network, no script and nothing beside it."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from importlib import resources

from sentiserve.insights import figures
from sentiserve.insights.drawing.figure import NARROW, WIDE, Figure, share
from sentiserve.insights.drawing.lettering import named
from sentiserve.insights.drawing.markup import Element, Style, shown, tag
from sentiserve.insights.report import Report, Texts, is_told
from sentiserve.types import Prediction

_FILL = "sentiserve ingest file posts.jsonl"
_QUALITY = {"macro_recall": "macro-averaged recall", "accuracy": "accuracy"}
_GENERATOR = "sentiserve"
_LINKED = ("https://", "http://")


def page(report: Report, version: str, *, texts: Texts = "all") -> str:
    """The report as HTML.

    Args:
        report: what it tells.
        version: of sentiserve.
        texts: which of the recent posts' texts are in it.
    """
    style = figures.stylesheet() + _file("report.css")
    title = f"Sentiment of {_counted(report.timeline.posts, 'post')}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        tag("meta", name="generator", content=f"{_GENERATOR} {version}"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Style(style)),
    )
    body = tag("body", tag("main", *_main(report, title, texts=texts)), _footer(report, version))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def is_report(beginning: bytes) -> bool:
    """Whether a file's first thousand bytes are those of a report."""
    return f'<meta name="generator" content="{_GENERATOR} '.encode() in beginning


def _file(name: str) -> str:
    return (resources.files("sentiserve.insights") / name).read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """Nothing is loaded, run or sent; of styles there is the one with this digest."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _main(report: Report, title: str, *, texts: Texts) -> list[Element]:
    labels = report.model.labels
    header = tag("header", tag("h1", title), *_summary(report))
    if not report.timeline.stretches:
        return [header, *_empty(report)]
    about = [
        figures.authors(report.authors, labels),
        figures.hashtags(report.hashtags, labels),
        figures.timeline(report.timeline.stretches, report.timeline.step, labels),
    ]
    for name, found in report.tags.items():
        about.append(figures.hashtag(name, found and found[0], labels))
        if found:
            over_time = found[1]
            about.append(figures.timeline(over_time.stretches, over_time.step, labels, name))
    about.append(figures.drift(report.drift))
    return [header, *map(_section, about), _recent(report.recent, texts=texts)]


def _summary(report: Report) -> list[Element]:
    model, stretches = report.model, report.timeline.stretches
    quality = [
        f"{words} {model.quality[name]:.3f}"
        for name, words in _QUALITY.items()
        if name in model.quality
    ]
    facts = {"model": f"{model.name} {model.revision}", "model id": model.id}
    facts["its quality"] = ", ".join(quality) or "not measured"
    if report.since:
        facts["posts since"] = _time(report.since)
    if stretches:
        first, last = stretches[0].start, stretches[-1].start
        facts["posts seen"] = f"{_day(first)} to {_day(last)}"
        counts = {
            label: sum(stretch.counts.get(label, 0) for stretch in stretches)
            for label in model.labels
        }
        most = max(counts, key=counts.__getitem__)
        facts["most frequent"] = f"{most}, {share(counts[most], report.timeline.posts)}"
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]
    return [tag("dl", *listed, class_="facts")]


def _empty(report: Report) -> list[Element]:
    said = [tag("p", "The store holds no posts that this model classified", _of(report), ".")]
    if others := {k: v for k, v in report.others.items() if k != report.model.id and v}:
        listed = ", ".join(f"{count:,} of the model {id_}" for id_, count in others.items())
        said.append(tag("p", f"It holds {listed}: name that model with --model."))
    said.append(tag("p", "Fill it: ", tag("code", _FILL)))
    return [tag("section", tag("h2", "Nothing to show yet"), *said)]


def _of(report: Report) -> str:
    return f" since {_time(report.since)}" if report.since else ""


def _section(figure: Figure) -> Element:
    table = figure.table()
    told = tag("summary", "The same as a table")
    pictures = [
        tag("div", figure.element(WIDE), class_="wide"),
        tag("div", figure.element(NARROW), class_="narrow"),
    ]
    caption = tag("figcaption", figure.description, class_="quiet")
    parts = [tag("h2", figure.title), tag("figure", caption, *pictures)]
    if table is not None:
        scroll = tag("div", table, class_="scroll", tabindex=0, role="region",
                     aria_label=figure.title)  # fmt: skip
        parts.append(tag("details", told, scroll))
    return tag("section", *parts)


def _recent(recent: Sequence[Prediction], *, texts: Texts) -> Element:
    posts = [_post(prediction, texts=texts) for prediction in recent]
    return tag("section", tag("h2", "Recent posts"), tag("ul", *posts, class_="posts"))


def _post(prediction: Prediction, *, texts: Texts) -> Element:
    post, sentiment = prediction.post, prediction.sentiment
    label = sentiment.label
    head: list[Element | str] = [tag("strong", label), f"{sentiment.scores[label]:.2f}, "]
    if post.author_handle or post.author_id:
        head += [tag("bdi", named(post.author_handle, post.author_id)), ", "]
    when = _time(prediction.seen_at)
    is_web = post.url is not None and post.url.startswith(_LINKED)
    link = tag("a", when, href=post.url, rel="noreferrer noopener") if is_web else when
    said = [tag("p", *head, f"{post.ref.platform}, ", link, class_="quiet")]
    text = [tag("p", post.text, dir="auto", class_="text")] if is_told(post, texts) else []
    return tag("li", *said, *text)


def _footer(report: Report, version: str) -> Element:
    made = f"Made by sentiserve {version} on {_time(report.made_at)}. Days and hours are UTC's."
    return tag("footer", tag("p", made))


def _day(time: datetime) -> str:
    return f"{time.day} {time:%b %Y}".replace(" ", "\N{NO-BREAK SPACE}")


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _counted(count: int, what: str) -> str:
    return shown(f"{count:,} {what}{'' if count == 1 else 's'}")
