"""Drift is told where there is some, and said to be unknown where it can't be told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sentiserve.insights.drift import FEWEST_JUDGEMENTS, FEWEST_POSTS, drift
from sentiserve.insights.findings import FALSE_ALARMS, Drift
from sentiserve.models.profiling import profile_of
from sentiserve.profile import Measured, Profile
from sentiserve.types import Feedback, Judgement, ModelInfo, Post, Prediction, Sentiment

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LABELS = ("negative", "neutral", "positive")
INFO = ModelInfo("a", "1", "model-1", LABELS, 128, "none", "onnx", "CC0-1.0")


def said(text: str) -> Sentiment:
    """A text begins with its label; the score follows from the rest."""
    label = text.partition(" ")[0]
    score = 0.5 + sum(map(ord, text)) % 50 / 100
    return Sentiment({name: score if name == label else (1 - score) / 2 for name in LABELS})


class Model:
    info = INFO

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        return [said(text) for text in texts]


def measure(texts: Sequence[str]) -> Measured:
    """Words and their number."""
    return Measured(
        {"length": [len(text.split()) for text in texts]},
        [frozenset(sum(map(ord, word)) % 512 for word in text.split()) for text in texts],
    )


def texts(rng: np.random.Generator, number: int, words: int = 200, first: int = 0) -> list[str]:
    """Invented texts of five words on average, each with its label in front."""
    return [
        " ".join(
            [
                LABELS[rng.choice(3, p=(0.2, 0.4, 0.4))],
                *(f"w{rng.integers(first, first + words)}" for _ in range(1 + rng.poisson(4))),
                f"n{i}",
            ]
        )
        for i in range(number)
    ]


def truth(rng: np.random.Generator, text: str) -> str:
    """The label, but for one text in five."""
    label = text.partition(" ")[0]
    return LABELS[rng.integers(3)] if rng.random() < 0.3 else label


def predictions(some: Sequence[str]) -> list[Prediction]:
    return [
        Prediction(Post.of_text(text), said(text), "model-1", NOW + timedelta(seconds=i))
        for i, text in enumerate(some)
    ]


def judgements(some: Sequence[str], labels: Sequence[str]) -> list[Judgement]:
    return [
        Judgement(prediction, Feedback(prediction.post.ref, label, NOW))
        for prediction, label in zip(predictions(some), labels, strict=True)
    ]


@pytest.fixture(scope="module")
def profile() -> Profile:
    rng = np.random.default_rng(1)
    some = texts(rng, 2000)
    return profile_of(Model(), measure, some, [truth(rng, text) for text in some])


def look(profile: Profile | None, some: Sequence[str], judged: Sequence[Judgement] = ()) -> Drift:
    return drift(INFO, profile, predictions(some), judged, measure)


def test_the_same_kind_of_posts_is_no_drift(profile: Profile) -> None:
    """Two hundred windows of new posts, with true labels: no alarm."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        some = texts(rng, 300)
        labels = [truth(rng, text) for text in some]
        assert look(profile, some, judgements(some, labels)).drifted == ()


def test_longer_posts_are_input_drift(profile: Profile) -> None:
    """The finding says how many posts it is of, and the shares of each bin."""
    some = [f"{text} and so on and on" for text in texts(np.random.default_rng(3), 400)]
    found = look(profile, some)
    assert "length" in found.drifted
    (length,) = [finding for finding in found.findings if finding.feature == "length"]
    assert (length.posts, length.reference_posts) == (400, 2000)
    assert sum(length.reference) == pytest.approx(1)
    assert sum(length.window) == pytest.approx(1)
    assert length.window[-1] > length.reference[-1]


def test_another_topic_is_found_by_its_words(profile: Profile) -> None:
    """As many words, of the same lengths, but others."""
    found = look(profile, texts(np.random.default_rng(4), 400, words=20, first=1000))
    assert found.drifted == ("words",)


def test_other_labels_are_prediction_drift(profile: Profile) -> None:
    """Nearly all posts have become negative."""
    some = texts(np.random.default_rng(5), 800)
    sad = [text for text in some if text.startswith("negative")] + some[:40]
    more = [f"{text} x{i}" for i, text in enumerate(sad * 3)]
    assert "label" in look(profile, more).drifted


def test_swapped_labels_are_concept_drift(profile: Profile) -> None:
    """What was positive is now meant negatively, and nothing else has changed."""
    swapped = {"negative": "positive", "positive": "negative", "neutral": "neutral"}
    rng = np.random.default_rng(6)
    some = texts(rng, 300)
    labels = [swapped[truth(rng, text)] for text in some]
    assert look(profile, some, judgements(some, labels)).drifted == ("accuracy", "confusion")


def test_judging_one_label_more_often_is_no_drift(profile: Profile) -> None:
    """Whoever judges chooses: mistakes are compared among posts with the same true label."""
    rng = np.random.default_rng(8)
    some = texts(rng, 2000)
    labels = [truth(rng, text) for text in some]
    chosen = [i for i, label in enumerate(labels) if label == "negative"][:300]
    found = look(profile, [], judgements([some[i] for i in chosen], [labels[i] for i in chosen]))
    (confusion,) = [finding for finding in found.findings if finding.feature == "confusion"]
    assert not confusion.drifted
    assert sum(confusion.reference) == pytest.approx(1)


def test_a_stated_accuracy_is_what_judgements_are_held_against(profile: Profile) -> None:
    """A bundle without a profile but with figures; a better accuracy is no drift."""
    some = texts(np.random.default_rng(9), 100)
    labels = [text.partition(" ")[0] for text in some]
    for stated, expected in ((0.99, ()), (0.7, ())):
        info = replace(INFO, quality={"accuracy": stated, "texts": 2000})
        assert drift(info, None, [], judgements(some, labels), measure).drifted == expected
    wrong = ["neutral"] * 100
    info = replace(INFO, quality={"accuracy": 0.9, "texts": 2000})
    assert drift(info, None, [], judgements(some, wrong), measure).drifted == ("accuracy",)


def test_too_few_posts_are_said_to_be_too_few(profile: Profile) -> None:
    """With how many there are, and how many it takes."""
    found = look(profile, texts(np.random.default_rng(10), FEWEST_POSTS - 1))
    assert found.findings == ()
    assert found.notes == (
        f"too few posts yet ({FEWEST_POSTS - 1} of {FEWEST_POSTS})",
        f"too few true labels yet (0 of {FEWEST_JUDGEMENTS})",
    )


def test_an_empty_store_is_told_as_such(profile: Profile) -> None:
    """No posts, no times, no findings."""
    found = look(profile, [])
    assert (found.posts, found.first, found.last, found.findings) == (0, None, None, ())


def test_a_text_that_is_repeated_counts_once(profile: Profile) -> None:
    """A thousand copies are one post: the tests take posts to be independent."""
    some = texts(np.random.default_rng(11), 300)
    copies = [Prediction(Post.of_text("positive buy"), said("positive"), "model-1", NOW)] * 1000
    found = drift(INFO, profile, [*predictions(some), *copies], (), measure)
    assert (found.posts, found.repeated) == (301, 999)
    assert found.drifted == ()


def test_of_a_repeated_text_the_newest_true_label_counts(profile: Profile) -> None:
    """In whatever order they come."""
    some = texts(np.random.default_rng(12), 60)
    right = judgements(some, [text.partition(" ")[0] for text in some])
    older = [
        Judgement(j.prediction, Feedback(j.feedback.ref, "neutral", NOW - timedelta(days=1)))
        for j in right
    ]
    assert look(profile, [], [*right, *older]) == look(profile, [], right)


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"version": 99}, "another version"), ({"model": "other"}, "another model, other")],
)
def test_a_profile_of_something_else_is_not_used(
    profile: Profile, changed: dict[str, str | int], why: str
) -> None:
    """It says so, and how to make one."""
    import msgspec

    found = look(msgspec.structs.replace(profile, **changed), texts(np.random.default_rng(1), 300))
    assert found.findings == ()
    assert why in found.notes[0]
    assert "sentiserve model profile" in found.notes[0]


def test_without_a_profile_it_says_how_to_make_one() -> None:
    """A bundle of one's own has none at first."""
    found = look(None, texts(np.random.default_rng(1), 300))
    assert found.findings == ()
    assert "make one with: sentiserve model profile" in found.notes[0]


def test_the_thresholds_are_shared_out(profile: Profile) -> None:
    """All features together have the false alarms of one window."""
    some = texts(np.random.default_rng(13), 300)
    found = look(profile, some).findings
    assert sum(finding.p_threshold for finding in found) == pytest.approx(FALSE_ALARMS)
