"""Concept drift: whether the model is as right about the newest posts as its bundle states.

Judgements are what people chose to judge. Where they look for mistakes only, they find them.
"""

from collections import Counter
from collections.abc import Sequence

from sentiserve.insights.findings import LEAST_DROP, Finding
from sentiserve.insights.shares import chi_squared_tail, compare, fewer_by_chance
from sentiserve.profile import Kind, Profile
from sentiserve.types import Judgement, ModelInfo


def of_judgements(
    info: ModelInfo, profile: Profile | None, judgements: Sequence[Judgement]
) -> list[Finding]:
    """Accuracy, where the bundle states one; the kinds of mistakes, where the profile has them."""
    findings = []
    if (stated := _stated(info, profile)) is not None:
        findings.append(_accuracy(*stated, judgements))
    if profile is not None and profile.confusion:
        findings.append(_confusion(profile, judgements))
    return findings


def _stated(info: ModelInfo, profile: Profile | None) -> tuple[int, int] | None:
    """How many texts the model was right about, and of how many."""
    if {"accuracy", "texts"} <= info.quality.keys():
        texts = round(info.quality["texts"])
        return round(info.quality["accuracy"] * texts), texts
    if profile is not None and profile.confusion:
        confusion = profile.confusion
        return sum(row[i] for i, row in enumerate(confusion)), sum(map(sum, confusion))
    return None


def _accuracy(there_right: int, there: int, judgements: Sequence[Judgement]) -> Finding:
    """Only a lower accuracy is drift."""
    right, here = sum(judgement.is_right for judgement in judgements), len(judgements)
    before, now = there_right / there, right / here
    return Finding(
        feature="accuracy",
        kind=Kind.CONCEPT,
        bins=("right", "wrong"),
        reference=(before, 1 - before),
        window=(now, 1 - now),
        posts=here,
        reference_posts=there,
        statistic=right,
        p_value=fewer_by_chance(right, here, there_right, there),
        effect=max(0.0, before - now),
        effect_threshold=LEAST_DROP,
    )


def _confusion(profile: Profile, judgements: Sequence[Judgement]) -> Finding:
    """What is said of posts with the same true label: it doesn't matter how often each is judged.

    χ² and its degrees of freedom add up over the labels, which are independent samples; the effect
    is the mean over the judged posts.
    """
    labels = profile.labels
    said = Counter((j.feedback.label, j.prediction.sentiment.label) for j in judgements)
    bins, reference, window = [], [], []
    statistic, freedom, effect = 0.0, 0, 0.0
    known = sum(said[true, label] for true in labels for label in labels)
    for true, there in zip(labels, profile.confusion, strict=True):
        here = [said[true, label] for label in labels]
        found = compare(there, here)
        share = sum(here) / known if known else 0.0
        statistic, freedom = statistic + found.statistic, freedom + found.freedom
        effect += share * found.effect
        for label, r, w in zip(labels, there, here, strict=True):
            bins.append(f"{true}, said {label}")
            reference.append(share * r / (sum(there) or 1))
            window.append(w / known if known else 0.0)
    return Finding(
        feature="confusion",
        kind=Kind.CONCEPT,
        bins=tuple(bins),
        reference=tuple(reference),
        window=tuple(window),
        posts=known,
        reference_posts=sum(map(sum, profile.confusion)),
        statistic=statistic,
        p_value=chi_squared_tail(statistic, freedom),
        effect=effect,
    )
