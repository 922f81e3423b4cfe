"""Drift in streams, in short: the benchmark on invented posts."""

import pytest

from benchmarks.drift.posts import Known
from benchmarks.drift.trials import Stream, Trial, of_texts, swapped
from sentiserve.profile import Kind

THINGS = ("tea", "coffee", "train", "garden", "street", "morning", "evening", "dinner", "bicycle")
OPINIONS = {
    "negative": ("I hate the awful", "Never again this horrible", "What a sad and broken"),
    "neutral": ("At nine I will see the", "There is a report on the", "They moved to another"),
    "positive": ("I love the wonderful", "So happy about this great", "What a lovely and kind"),
}
LABELLED = [
    (f"{opinion} {one} and the {other} of house {number}", label)
    for label, opinions in OPINIONS.items()
    for opinion in opinions
    for one in THINGS
    for other in THINGS
    for number in (11, 12)
]
SPANISH = [f"No me gusta el té de la casa número {number} en la calle" for number in range(600)]


@pytest.fixture(scope="module")
def trial() -> Trial:
    texts, labels = zip(*LABELLED, strict=True)
    return Trial(Known(), texts, labels, seed=1)


def test_windows_of_the_same_posts_give_no_alarm(trial: Trial) -> None:
    """Of the profile's own posts, and of the other half."""
    assert trial.resampled(5, 300).alarms == 0
    assert trial.unseen(3, 300).alarms == 0


def test_another_language_and_swapped_labels_are_found(trial: Trial) -> None:
    """In each trial, and by what changed."""
    spanish = Stream("language", "es", 1.0, of_texts(trial.known, SPANISH), tuple(Kind))
    opposite = Stream("labels", "swapped", 1.0, swapped, (Kind.CONCEPT,))
    for stream, feature in ((spanish, "language"), (opposite, "confusion")):
        found = trial.stream(stream, trials=2)
        assert found.found == found.trials
        assert feature in found.features
        assert found.window is not None
        assert feature in found.window.drifted
