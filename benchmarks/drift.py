"""How often drift is told where there is none, and how soon where there is.

    python benchmarks/drift.py dev.tsv --more train.tsv --language /usr/share/games/fortunes/es

Takes labelled posts that the model was not trained on, further posts of the same kind, and posts in
another language: tables with a column ``text``, or directories of fortunes (Debian's
``fortunes-es``, say).
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.random import Generator

from sentiserve.errors import BadInputError
from sentiserve.insights.drift import WINDOW, drift
from sentiserve.insights.findings import Drift
from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.labelled import read_labelled, read_texts
from sentiserve.models.measures import Measures
from sentiserve.models.profiling import profile_of
from sentiserve.models.registry import load_model
from sentiserve.profile import Kind, Measured, Profile
from sentiserve.types import Feedback, Judgement, ModelInfo, Post, Prediction, Sentiment

TOPICS = {
    "football": r"football|soccer|premier league|chelsea|arsenal|\bnfl\b|touchdown|quarterback",
    "politics": r"trump|obama|romney|republican|democrat|president|senate",
    "music": r"album|song|concert|\btour\b|gaga|beyonc|kanye",
    "phones and software": r"apple|iphone|microsoft|google|amazon|android|windows",
}
SWAPPED = {"negative": "positive", "positive": "negative"}
STEP = 25  # posts between two looks
LIMIT = 2_000  # posts within which drift must be found
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Known:
    """A model and its measures that do each text once: windows repeat them thousands of times."""

    def __init__(self) -> None:
        bundle = open_bundle(default_bundle())
        self._model, self._measure = load_model(bundle.path, 1), Measures(bundle)
        self.info: ModelInfo = replace(self._model.info, quality={})  # the profile's own figures
        self._said: dict[str, Sentiment] = {}
        self._seen: dict[str, tuple[dict[str, float | str], frozenset[int]]] = {}

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        new = [*{text: None for text in texts if text not in self._said}]
        self._said |= zip(new, self._model.predict(new), strict=True)
        return [self._said[text] for text in texts]

    def measure(self, texts: Sequence[str]) -> Measured:
        if new := [*{text: None for text in texts if text not in self._seen}]:
            found = self._measure(new)
            for i, text in enumerate(new):
                values = {name: column[i] for name, column in found.values.items()}
                self._seen[text] = values, frozenset(found.words[i])
        rows = [self._seen[text] for text in texts]
        names = rows[0][0] if rows else ()
        values = {name: [row[name] for row, _ in rows] for name in names}
        return Measured(values, [words for _, words in rows])


@dataclass(frozen=True)
class Posts:
    """Predictions, and where the truth is known, judgements in the same order."""

    predictions: Sequence[Prediction]
    judgements: Sequence[Judgement] = ()

    @classmethod
    def of(cls, known: Known, texts: Sequence[str], labels: Sequence[str] = ()) -> "Posts":
        said = zip(texts, known.predict(texts), strict=True)
        predictions = [
            Prediction(Post.of_text(text), sentiment, known.info.id, NOW + timedelta(seconds=i))
            for i, (text, sentiment) in enumerate(said)
        ]
        judged = zip(predictions, labels, strict=bool(labels))
        return cls(predictions, [Judgement(p, Feedback(p.post.ref, t, NOW)) for p, t in judged])

    def some(self, chosen: Sequence[int]) -> "Posts":
        return Posts(
            [self.predictions[i] for i in chosen],
            [self.judgements[i] for i in chosen] if self.judgements else (),
        )


# What comes before, and what comes then, out of unseen posts.
Prepare = Callable[[Generator, Posts], tuple[Posts, Posts]]


@dataclass(frozen=True)
class FalseAlarms:
    """What windows without drift gave."""

    windows_of: str
    posts: int
    windows: int
    alarms: int
    by_feature: dict[str, int]
    largest_effect: float


@dataclass(frozen=True)
class Found:
    """How soon drift was found, after so many new posts (or judgements) in a window of others."""

    stream: str
    share: float
    trials: int
    found: int
    median: float
    most: int
    features: dict[str, int]


class Trial:
    """Everything drawn by chance, from one seed."""

    def __init__(self, known: Known, texts: Sequence[str], labels: Sequence[str], seed: int):
        self.known, self.rng = known, np.random.default_rng(seed)
        distinct = {text: label for text, label in zip(texts, labels, strict=True)}
        self.texts, self.labels = [*distinct], [*distinct.values()]
        self.held_out = Posts.of(known, self.texts, self.labels)

    def profile(self, chosen: Sequence[int]) -> Profile:
        texts, labels = [self.texts[i] for i in chosen], [self.labels[i] for i in chosen]
        return profile_of(self.known, self.known.measure, texts, labels)

    def look(self, profile: Profile, posts: Posts) -> Drift:
        return drift(
            self.known.info, profile, posts.predictions, posts.judgements, self.known.measure
        )

    def halves(self) -> tuple[Sequence[int], Sequence[int]]:
        """The held-out posts in two halves, by chance."""
        one, other = np.array_split(self.rng.permutation(len(self.texts)), 2)
        return one.tolist(), other.tolist()

    def resampled(self, windows: int, size: int) -> FalseAlarms:
        """Windows of the very posts that the profile was made of."""
        whole = self.profile(range(len(self.texts)))

        def drawn() -> Iterator[Drift]:
            for _ in range(windows):
                chosen = self.rng.choice(len(self.texts), size, replace=False).tolist()
                yield self.look(whole, self.held_out.some(chosen))

        return counted("the reference's own posts", size, drawn())

    def unseen(self, windows: int, size: int) -> FalseAlarms:
        """A new profile of one half for each window of the other half."""

        def drawn() -> Iterator[Drift]:
            for _ in range(windows):
                one, other = self.halves()
                yield self.look(self.profile(one), self.held_out.some(other[:size]))

        return counted("unseen posts", size, drawn())

    def more(self, windows: int, size: int, texts: Sequence[str]) -> FalseAlarms:
        """One profile, of all; the posts' texts alone, for the model was trained on them."""
        whole = self.profile(range(len(self.texts)))
        inputs = {n: f for n, f in whole.features.items() if f.kind is Kind.INPUT}
        profile = Profile(whole.version, whole.model, whole.posts, inputs, whole.words)
        empty = Sentiment({"negative": 0.0, "neutral": 1.0, "positive": 0.0})

        def drawn() -> Iterator[Drift]:
            for _ in range(windows):
                chosen = self.rng.choice(len(texts), size, replace=False)
                said = [Prediction(Post.of_text(texts[i]), empty, "", NOW) for i in chosen]
                yield self.look(profile, Posts(said))

        return counted("further posts, texts only", size, drawn())

    def stream(
        self,
        name: str,
        prepare: Prepare,
        share: float,
        trials: int,
        kinds: Sequence[Kind],
    ) -> Found:
        """The newest posts are unseen ones, until others come: all of them, or a share."""
        found, features = [], Counter[str]()
        for _ in range(trials):
            one, other = self.halves()
            profile = self.profile(one)
            before, others = prepare(self.rng, self.held_out.some(other))
            new = mixed(self.rng, before, others, share)
            after, told = first_alarm(self, profile, before, new, kinds)
            features.update(told)
            found.append(after)
        soon = [after for after in found if after is not None]
        return Found(
            name, share, trials, len(soon), float(np.median(soon)) if soon else -1,
            max(soon, default=-1), dict(features),
        )  # fmt: skip


def mixed(rng: Generator, usual: Posts, others: Posts, share: float) -> Posts:
    """As many as there are others of, each an other with this probability."""
    chosen = rng.random(len(others.predictions)) < share
    pick = rng.integers(len(usual.predictions), size=len(chosen))
    judged = bool(usual.judgements and others.judgements)
    return Posts(
        [others.predictions[i] if c else usual.predictions[pick[i]] for i, c in enumerate(chosen)],
        [others.judgements[i] if c else usual.judgements[pick[i]] for i, c in enumerate(chosen)]
        if judged
        else (),
    )


def first_alarm(
    trial: Trial, profile: Profile, before: Posts, new: Posts, kinds: Sequence[Kind]
) -> tuple[int | None, list[str]]:
    """After how many new posts an alarm of these kinds comes, and of which features."""
    for after in range(STEP, len(new.predictions) + 1, STEP):
        window = Posts(
            [*before.predictions, *new.predictions[:after]][-WINDOW:],
            [*before.judgements, *new.judgements[:after]][-WINDOW:] if new.judgements else (),
        )
        seen = trial.look(profile, window)
        if told := [f.feature for f in seen.findings if f.drifted and f.kind in kinds]:
            return after, told
    return None, []


def counted(name: str, size: int, windows: Iterator[Drift]) -> FalseAlarms:
    """Count the windows with an alarm."""
    number, alarms, largest = 0, 0, 0.0
    features = Counter[str]()
    for window in windows:
        number += 1
        alarms += bool(window.drifted)
        features.update(window.drifted)
        largest = max(largest, *(finding.effect for finding in window.findings))
    return FalseAlarms(name, size, number, alarms, dict(features), round(largest, 3))


def read_posts(path: Path) -> list[str]:
    """Texts of at most 280 characters: of a table, or of a directory of fortunes."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix not in {".dat", ".u8"}]
        whole = "\n%\n".join(file.read_text("utf-8", "ignore") for file in files if file.is_file())
        parts = re.split(r"^%.*$", whole, flags=re.MULTILINE)
        texts = [" ".join(part.split()) for part in parts]
    else:
        texts = [*read_texts(path)]
    return [text for text in dict.fromkeys(texts) if 20 <= len(text) <= 280]


def main() -> None:
    """Measure, and print each figure as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--more", type=Path, required=True)
    parser.add_argument("--language", type=Path, nargs="*", default=[])
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    data, more = read_labelled(wanted.held_out), read_posts(wanted.more)
    known = Known()
    trial = Trial(known, data.texts, data.labels, wanted.seed)
    half = len(trial.texts) // 2
    alarms = [
        *(trial.resampled(wanted.windows, size) for size in (200, half)),
        *(trial.unseen(wanted.windows, size) for size in (200, half)),
        *(trial.more(wanted.windows, size, more) for size in (200, WINDOW)),
    ]
    for row in alarms:
        print(row, flush=True)
    found = []
    for path in wanted.language:
        others = read_posts(path)
        for share in (1.0, 0.2):
            found.append(trial.stream(f"language: {path.name}", of_texts(known, others), share,
                                      wanted.trials, [*Kind]))  # fmt: skip
            print(found[-1], flush=True)
    for topic, pattern in TOPICS.items():
        others = [text for text in more if re.search(pattern, text, re.IGNORECASE)]
        for share in (1.0, 0.5):
            found.append(trial.stream(f"topic: {topic}", of_texts(known, others), share,
                                      wanted.trials, [Kind.INPUT]))  # fmt: skip
            print(found[-1], flush=True)
    for share in (1.0, 0.3):
        found.append(trial.stream("labels swapped", swapped, share, wanted.trials,
                                  [Kind.CONCEPT]))  # fmt: skip
        print(found[-1], flush=True)
    if wanted.out:
        said = {"seed": wanted.seed, "false_alarms": [asdict(row) for row in alarms],
                "found": [asdict(row) for row in found]}  # fmt: skip
        wanted.out.write_text(json.dumps(said, indent=2) + "\n")


def of_texts(known: Known, texts: Sequence[str]) -> Prepare:
    """Unseen posts, then these."""
    if len(texts) < WINDOW // 2:
        raise BadInputError(f"{len(texts)} posts are too few for a stream")

    def prepare(rng: Generator, unseen: Posts) -> tuple[Posts, Posts]:
        chosen = rng.choice(len(texts), min(LIMIT, len(texts)), replace=False)
        return unseen, Posts.of(known, [texts[i] for i in chosen])

    return prepare


def swapped(_: Generator, unseen: Posts) -> tuple[Posts, Posts]:
    """Half of the unseen posts, then the others, whose true labels are now the opposite."""
    half = len(unseen.predictions) // 2
    judgements = [
        Judgement(j.prediction, Feedback(j.feedback.ref, opposite(j.feedback.label), NOW))
        for j in unseen.judgements[half:]
    ]
    return unseen.some(range(half)), Posts(unseen.predictions[half:], judgements)


def opposite(label: str) -> str:
    """Positive for negative and the other way round; neutral stays."""
    return SWAPPED.get(label, label)


if __name__ == "__main__":
    main()
