"""A report for machines, in the words of the HTTP interface."""

from typing import Any

from sentiserve.insights.findings import Drift, Finding
from sentiserve.insights.report import Report, Texts, Timeline, is_told
from sentiserve.types import Aggregate, Prediction


def report_json(report: Report, version: str, *, texts: Texts = "all") -> dict[str, Any]:
    """What the report tells, ready to be encoded.

    Args:
        report: what it tells.
        version: of sentiserve.
        texts: which of the recent posts' texts are in it.
    """
    model = report.model
    return {
        "madeAt": report.made_at,
        "version": version,
        "model": {"id": model.id, "name": model.name, "revision": model.revision,
                  "labels": model.labels, "quality": model.quality},
        "since": report.since,
        "posts": report.timeline.posts,
        "otherModels": report.others,
        "authors": [_author(one) for one in report.authors],
        "hashtags": [_hashtag(one) for one in report.hashtags],
        "tags": {
            name: found and _hashtag(found[0]) | {"timeline": _timeline(found[1])}
            for name, found in report.tags.items()
        },
        "timeline": _timeline(report.timeline),
        "drift": drift_json(report.drift),
        "recent": [_post(prediction, texts=texts) for prediction in report.recent],
    }  # fmt: skip


def drift_json(drift: Drift) -> dict[str, Any]:
    """What is told of drift, as ``GET /v1/drift`` tells it."""
    return {
        "model": drift.model_id,
        "posts": drift.posts,
        "repeated": drift.repeated,
        "first": drift.first,
        "last": drift.last,
        "judged": drift.judged,
        "drifted": drift.drifted,
        "notes": drift.notes,
        "findings": [_finding(finding) for finding in drift.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "feature": finding.feature,
        "kind": finding.kind,
        "drifted": finding.drifted,
        "posts": finding.posts,
        "referencePosts": finding.reference_posts,
        "statistic": finding.statistic,
        "pValue": finding.p_value,
        "pThreshold": finding.p_threshold,
        "effect": finding.effect,
        "effectThreshold": finding.effect_threshold,
        "shares": [
            {"bin": bin_, "reference": there, "window": here}
            for bin_, there, here in zip(
                finding.bins, finding.reference, finding.window, strict=True
            )
        ],
    }


def _author(one: Aggregate) -> dict[str, Any]:
    return {"platform": one.platform, "author": one.name, "handle": one.handle} | _counts(one)


def _hashtag(one: Aggregate) -> dict[str, Any]:
    return {"hashtag": one.name} | _counts(one)


def _counts(one: Aggregate) -> dict[str, Any]:
    return {
        "posts": one.posts,
        "counts": one.counts,
        "meanScores": one.mean_scores,
        "firstSeen": one.first_seen,
        "lastSeen": one.last_seen,
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    stretches = [{"start": s.start, "counts": s.counts} for s in timeline.stretches]
    return {"step": timeline.step, "stretches": stretches}


def _post(prediction: Prediction, *, texts: Texts) -> dict[str, Any]:
    post, sentiment = prediction.post, prediction.sentiment
    said = {
        "sentimentAnalyst": sentiment.label,
        "scores": sentiment.scores,
        "predictedAt": prediction.predicted_at,
        "post": {
            "platform": post.ref.platform,
            "id": post.ref.id,
            "url": post.url,
            "authorId": post.author_id,
            "authorHandle": post.author_handle,
            "createdAt": post.created_at,
        },
    }
    if texts == "none":
        return said
    return {"textInput": post.text if is_told(post, texts) else None} | said
