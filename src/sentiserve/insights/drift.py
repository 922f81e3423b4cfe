"""Drift: whether the newest posts are still like those that the model's quality was measured on.

Three kinds. *Input*: the posts are others. *Prediction*: the model says other things of them.
*Concept*: it is wrong more often, or in other ways, than it was; only true labels can tell.
"""

from collections.abc import Sequence
from dataclasses import replace

from sentiserve.insights.concept import of_judgements
from sentiserve.insights.findings import FALSE_ALARMS, Drift, Finding
from sentiserve.insights.shares import compare, strongest
from sentiserve.profile import VERSION, Feature, Kind, Measure, Profile, Value, posts_with
from sentiserve.types import Judgement, ModelInfo, Prediction

WINDOW = 1000  # posts, and judgements: the newest ones
FEWEST_POSTS = 200
FEWEST_JUDGEMENTS = 50
_MAKE = "make one with: sentiserve model profile TEXTS --model BUNDLE"


def drift(
    info: ModelInfo,
    profile: Profile | None,
    predictions: Sequence[Prediction],
    judgements: Sequence[Judgement],
    measure: Measure,
) -> Drift:
    """Compare the newest posts, and the newest judgements, with the reference.

    False alarms are controlled for all features together, by Bonferroni's inequality: each has an
    equal part of ``FALSE_ALARMS``, however much they depend on one another.

    Args:
        info: the model's, whose stated accuracy is what judgements are held against.
        profile: None if the bundle has none.
        predictions: the newest ones of this model, in any order.
        judgements: the newest ones of this model, in any order.
        measure: what measured the profile's texts.
    """
    newest = [*{said.post.text: said for said in predictions}.values()]
    in_time = sorted(judgements, key=lambda judgement: judgement.feedback.given_at)
    judged = [*{judgement.prediction.post.text: judgement for judgement in in_time}.values()]
    usable, why = _usable(info, profile)
    notes = [why] if why else []
    findings: list[Finding] = []
    if usable and len(newest) < FEWEST_POSTS:
        notes.append(f"too few posts yet ({len(newest)} of {FEWEST_POSTS})")
    elif usable:
        findings += _of_posts(usable, newest, measure)
    if len(judged) < FEWEST_JUDGEMENTS:
        notes.append(f"too few true labels yet ({len(judged)} of {FEWEST_JUDGEMENTS})")
    else:
        findings += of_judgements(info, usable, judged)
    times = [said.predicted_at for said in predictions]
    return Drift(
        model_id=info.id,
        posts=len(newest),
        repeated=len(predictions) - len(newest),
        first=min(times, default=None),
        last=max(times, default=None),
        judged=len(judged),
        findings=tuple(
            replace(finding, p_threshold=FALSE_ALARMS / len(findings)) for finding in findings
        ),
        notes=tuple(notes),
    )


def _usable(info: ModelInfo, profile: Profile | None) -> tuple[Profile | None, str | None]:
    """The profile if it can be compared with, or why it can't."""
    if profile is None:
        return None, f"the model's bundle has no profile; {_MAKE}"
    if profile.version != VERSION:
        return None, f"the profile is of another version of sentiserve; {_MAKE}"
    if profile.model != info.id:
        return None, f"the profile is of another model, {profile.model}; {_MAKE}"
    return profile, None


def _of_posts(
    profile: Profile, predictions: Sequence[Prediction], measure: Measure
) -> list[Finding]:
    sentiments = [said.sentiment for said in predictions]
    measured = measure([said.post.text for said in predictions])
    values: dict[str, Sequence[Value]] = {
        **measured.values,
        "label": [sentiment.label for sentiment in sentiments],
        "confidence": [max(sentiment.scores.values()) for sentiment in sentiments],
    }
    findings = [
        _finding(name, feature, feature.tally(values[name]))
        for name, feature in profile.features.items()
        if name in values
    ]
    if profile.words:
        findings.append(_words(profile, posts_with(measured.words), len(predictions)))
    return findings


def _words(profile: Profile, window: Sequence[int], posts: int) -> Finding:
    """Which words posts have: a finding of its own, for a post has several."""
    found = strongest(profile.words, profile.posts, window, posts)
    return Finding(
        feature="words",
        kind=Kind.INPUT,
        bins=tuple(f"words {bucket}" for bucket in found.bins),
        reference=tuple(profile.words[bucket] / profile.posts for bucket in found.bins),
        window=tuple(window[bucket] / posts for bucket in found.bins),
        posts=posts,
        reference_posts=profile.posts,
        statistic=found.statistic,
        p_value=found.p_value,
        effect=found.effect,
    )


def _finding(name: str, feature: Feature, here: Sequence[int]) -> Finding:
    m, n = sum(feature.counts), sum(here)
    found = compare(feature.counts, here)
    seen = [
        (bin_, r / m, w / n)
        for bin_, r, w in zip(feature.bins, feature.counts, here, strict=True)
        if r or w
    ]
    bins, reference, window = zip(*seen, strict=True)
    return Finding(
        feature=name,
        kind=feature.kind,
        bins=bins,
        reference=reference,
        window=window,
        posts=n,
        reference_posts=m,
        statistic=found.statistic,
        p_value=found.p_value,
        effect=found.effect,
    )
