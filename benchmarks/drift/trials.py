"""Windows without drift, and streams with some."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from benchmarks.drift.posts import NOW, Known, Posts
from sentiserve.errors import BadInputError
from sentiserve.insights.drift import WINDOW, drift
from sentiserve.insights.findings import Drift
from sentiserve.models.profiling import profile_of
from sentiserve.profile import Kind, Profile
from sentiserve.types import Feedback, Judgement, Post, Prediction, Sentiment

SWAPPED = {"negative": "positive", "positive": "negative"}
STEP = 25  # posts between two looks
LIMIT = 2_000  # posts within which drift must be found


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
    window: Drift | None  # of the first trial, with what drifted


@dataclass(frozen=True)
class Stream:
    """Posts that become others: all of them, or a share."""

    what: str
    name: str
    share: float
    prepare: Prepare
    kinds: Sequence[Kind]  # of alarms that count

    @property
    def key(self) -> str:
        """For the names of files."""
        return f"{self.what}-{self.name}-{self.share * 100:.0f}"


class Trial:
    """Everything drawn by chance, from one seed."""

    def __init__(
        self, known: Known, texts: Sequence[str], labels: Sequence[str], seed: int
    ) -> None:
        """Take the held-out posts."""
        self.known, self.rng = known, np.random.default_rng(seed)
        distinct = dict(zip(texts, labels, strict=True))
        self.texts, self.labels = [*distinct], [*distinct.values()]
        self.held_out = Posts.of(known, self.texts, self.labels)

    def profile(self, chosen: Sequence[int]) -> Profile:
        """Of the held-out posts at these places."""
        texts, labels = [self.texts[i] for i in chosen], [self.labels[i] for i in chosen]
        return profile_of(self.known, self.known.measure, texts, labels)

    def look(self, profile: Profile, posts: Posts) -> Drift:
        """Compare the posts with the profile."""
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

    def stream(self, stream: Stream, trials: int) -> Found:
        """The newest posts are unseen ones, until others come: all of them, or a share."""
        found, features, window = [], Counter[str](), None
        for _ in range(trials):
            one, other = self.halves()
            profile = self.profile(one)
            before, others = stream.prepare(self.rng, self.held_out.some(other))
            new = mixed(self.rng, before, others, stream.share)
            after, seen = first_alarm(self, profile, before, new, stream.kinds)
            if after is not None and seen is not None:
                found.append(after)
                features.update(finding.feature for finding in seen.findings)
                window = window or seen
        return Found(
            f"{stream.what}: {stream.name}",
            stream.share,
            trials,
            len(found),
            float(np.median(found)) if found else -1,
            max(found, default=-1),
            dict(features),
            window,
        )


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
) -> tuple[int | None, Drift | None]:
    """After how many new posts an alarm of these kinds comes, and what drifted then."""
    for after in range(STEP, len(new.predictions) + 1, STEP):
        window = Posts(
            [*before.predictions, *new.predictions[:after]][-WINDOW:],
            [*before.judgements, *new.judgements[:after]][-WINDOW:] if new.judgements else (),
        )
        seen = trial.look(profile, window)
        if told := tuple(f for f in seen.findings if f.drifted and f.kind in kinds):
            return after, replace(seen, findings=told, notes=())
    return None, None


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
