"""Score an archive of made-up posts: posts a second, and the memory that it takes.

    python benchmarks/archive.py --posts 20000 [--model DIR]

Makes a zip file as X gives them to their owners, runs ``sentiserve score`` on it in a process of
its own, and compares with the model alone, asked for a sample of the same texts before and
after. It says now and then how far it is, so that it can be left alone:

    nohup python benchmarks/archive.py --posts 1000000 > archive.log 2>&1 &
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

from sentiserve.build import build_model
from sentiserve.protocols import Model
from sentiserve.settings import load_settings
from sentiserve.tables import read_rows

PART = 200_000  # posts
CHUNK = 256  # texts that the model gets at once, as from ``score``
PAUSE = 0.1  # seconds between two looks at the process
START = datetime(2012, 3, 4, 5, 6, 7, tzinfo=UTC)
BEGINNINGS = [
    "Honestly", "Just so you know,", "Not sure why, but", "Good morning!", "Update:", "Well,",
    "Three hours later and", "I can't believe that", "My sister says", "So", "Today", "LOL",
]  # fmt: skip
THINGS = [
    "the new bakery on the corner", "this train", "our team", "the weather in the hills",
    "the third season", "my old bicycle", "that café by the station", "the update", "the queue",
    "the little museum", "her speech", "the soup", "this phone", "the concert last night",
]  # fmt: skip
VERDICTS = [
    "is wonderful", "was a complete disaster", "opens at nine", "made me laugh out loud",
    "is late again", "could be worse", "is the best thing this year", "breaks every single time",
    "has a blue door", "deserves a prize", "is not worth the money", "will be back on Monday",
]  # fmt: skip
ENDINGS = [
    "", "", "", "😍", "🙄", "#monday", "#SoHappy #weekend", "https://t.co/a1b2C3d4E5", "!!!",
    "@ann_example what do you think?", "&amp; I would say it again", "Żółć and naïve tears…",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """At a process, and at what it has written so far."""

    seconds: float
    rows: int
    resident: float  # MB
    peak: float  # MB


def main() -> None:
    """Print what was found, and now and then how far it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--model", help="a bundle; the one that ships if not given")
    parser.add_argument("--sample", type=int, default=4_000, help="texts for the model alone")
    parser.add_argument("--output", default="scored.csv", help="its name")
    parser.add_argument("--directory", type=Path, help="for the files; a temporary one if not")
    parser.add_argument("--log-every", type=float, default=30.0, help="seconds")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.directory) as directory:
        source, target = Path(directory, "archive.zip"), Path(directory, arguments.output)
        write_archive(source, arguments.posts)
        say(f"{arguments.posts:,} posts in {source.stat().st_size / 1e6:,.0f} MB")
        begin = time.perf_counter()
        texts = [row.values["text"] for row in islice(read_rows(source), arguments.sample)]
        say(f"reading alone: {len(texts) / (time.perf_counter() - begin):,.0f} posts/s")
        model = build_model(load_settings(model=arguments.model))
        before = speed(model, texts)
        say(f"the model alone, before: {before:,.0f} texts/s")
        looks = score(source, target, arguments.model, arguments.log_every)
        after = speed(model, texts)
        say(f"the model alone, after: {after:,.0f} texts/s")
        rows = sum(1 for _ in read_rows(target))
        if rows != arguments.posts:
            sys.exit(f"{rows:,} rows came back of {arguments.posts:,}")
        report(looks, arguments.posts, (before + after) / 2)


def write_archive(path: Path, posts: int) -> None:
    """An archive with as many posts, in parts, indented as X indents them."""
    invented = random.Random(1)
    account = {"account": {"accountId": "17", "username": "ben_example"}}
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        content = b"window.YTD.account.part0 = [ " + msgspec.json.encode(account) + b" ]"
        archive.writestr("data/account.js", content)
        archive.writestr("data/like.js", "window.YTD.like.part0 = [ ]")
        for part, begin in enumerate(range(0, posts, PART)):
            name = f"data/tweets-part{part}.js" if part else "data/tweets.js"
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(b"window.YTD.tweets.part%d = [" % part)
                for number in range(begin, min(begin + PART, posts)):
                    file.write(b"," * (number > begin) + b"\n  ")
                    file.write(post(number, invented))
                file.write(b"\n]")


def post(number: int, invented: random.Random) -> bytes:
    """One element, with all that X puts around the text."""
    post_id = str(1_600_000_000_000_000_000 + number * 4_194_304)
    created_at = START + timedelta(minutes=number)
    return ELEMENT % {
        b"id": post_id.encode(),
        b"text": msgspec.json.encode(text(invented)),
        b"created_at": created_at.strftime("%a %b %d %H:%M:%S +0000 %Y").encode(),
        b"likes": b"%d" % (number % 7),
    }


ELEMENT = b"""{
    "tweet" : {
      "edit_info" : {
        "initial" : {
          "editTweetIds" : [
            "%(id)s"
          ],
          "editableUntil" : "2022-12-31T19:00:00.000Z",
          "editsRemaining" : "5",
          "isEditEligible" : true
        }
      },
      "retweeted" : false,
      "source" : "<a href=\\"https://mobile.example.com\\" rel=\\"nofollow\\">Web App</a>",
      "entities" : {
        "hashtags" : [
          {
            "text" : "monday",
            "indices" : [
              "10",
              "17"
            ]
          }
        ],
        "symbols" : [ ],
        "user_mentions" : [
          {
            "name" : "Ann",
            "screen_name" : "ann_example",
            "indices" : [
              "0",
              "12"
            ],
            "id_str" : "18",
            "id" : "18"
          }
        ],
        "urls" : [ ]
      },
      "display_text_range" : [
        "0",
        "120"
      ],
      "favorite_count" : "%(likes)s",
      "id_str" : "%(id)s",
      "truncated" : false,
      "retweet_count" : "0",
      "id" : "%(id)s",
      "created_at" : "%(created_at)s",
      "favorited" : false,
      "full_text" : %(text)s,
      "lang" : "en"
    }
  }"""


def text(invented: random.Random) -> str:
    """One to four sentences: a hundred characters on the average, as posts have."""
    choice = invented.choice
    sentences = [
        f"{choice(BEGINNINGS)} {choice(THINGS)} {choice(VERDICTS)}"
        for _ in range(invented.choice((1, 1, 1, 2, 2, 3, 4)))
    ]
    return f"{'. '.join(sentences)} {choice(ENDINGS)}".strip()


def speed(model: Model, texts: list[str]) -> float:
    """Texts a second."""
    model.predict(texts[:CHUNK])
    begin = time.perf_counter()
    for at in range(0, len(texts), CHUNK):
        model.predict(texts[at : at + CHUNK])
    return len(texts) / (time.perf_counter() - begin)


def score(source: Path, target: Path, model: str | None, log_every: float) -> list[Look]:
    """Score the archive, and look at it all the while."""
    command = [sys.executable, "-m", "sentiserve.cli.main", "score", str(source), str(target)]
    command += ["--model", model] if model else []
    begin = time.perf_counter()
    looks: list[Look] = []
    with subprocess.Popen(command) as process:
        said = 0.0
        for rows in rows_written(target.with_name(target.name + ".partial")):
            if process.poll() is not None:
                break
            resident, peak = memory(process.pid)
            looks.append(Look(time.perf_counter() - begin, rows, resident, peak))
            if looks[-1].seconds - said >= log_every:
                said = looks[-1].seconds
                say(f"{rows:,} posts after {said:,.0f} s; {resident:,.0f} MB resident")
            time.sleep(PAUSE)
    if process.returncode:
        sys.exit(f"score ended with status {process.returncode}")
    return [*looks, Look(time.perf_counter() - begin, looks[-1].rows, 0.0, looks[-1].peak)]


def rows_written(partial: Path) -> Iterator[int]:
    """How many rows are scored, asked again and again."""
    rows, at = -1, 0  # the first line names the work
    while True:
        if partial.exists():
            with partial.open("rb") as file:
                file.seek(at)
                new = file.read()
            rows, at = rows + new.count(b"\n"), at + len(new)
        yield max(rows, 0)


def memory(pid: int) -> tuple[float, float]:
    """MB that a process has now, and had at most."""
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) / 1_000
    return found["VmRSS"], found["VmHWM"]


def report(looks: list[Look], posts: int, alone: float) -> None:
    """The figures, as a table."""
    working = [look for look in looks if look.rows > 0]
    tenth = next((look for look in working if look.rows >= posts / 10), working[-1])
    last = [look for look in working if look.rows < posts] or working
    seconds = looks[-1].seconds
    scoring = last[-1].seconds - working[0].seconds
    rows = last[-1].rows - working[0].rows
    say(f"{posts:,} posts, from the command to its end: {seconds:,.1f} s")
    say(f"posts/s: {posts / seconds:,.0f} in all; {rows / max(scoring, PAUSE):,.0f} while scoring")
    say(f"the model alone: {alone:,.0f} texts/s; in all {posts / seconds / alone:.2f} of that")
    say(f"before the first post {working[0].seconds:,.1f} s, after the last "
        f"{seconds - last[-1].seconds:,.1f} s")  # fmt: skip
    say(f"resident after a tenth: {tenth.resident:,.0f} MB; at most: {looks[-1].peak:,.0f} MB")


def say(line: str) -> None:
    """A line with its time, at once: a log is read while it grows."""
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    main()
