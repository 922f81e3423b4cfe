"""Drift as it goes over the wire."""

from datetime import datetime

from pydantic import Field

from sentiserve.api.schemas.wire import Wire
from sentiserve.insights.findings import Drift, Finding
from sentiserve.profile import Kind


class ShareOut(Wire):
    """How many of the posts fall into a bin."""

    bin: str
    reference: float = Field(description="Their share where the profile was made.")
    window: float = Field(description="Their share of the newest posts.")


class FindingOut(Wire):
    """How one feature of the newest posts compares with the profile."""

    feature: str
    kind: Kind
    drifted: bool = Field(description="Whether the difference is neither chance nor small.")
    effect: float = Field(
        description="Population stability index without what chance adds; for accuracy, its drop."
    )
    effect_threshold: float = Field(description="An alarm needs an effect of at least so much.")
    p_value: float = Field(description="How often unchanged posts differ as much.")
    p_threshold: float = Field(description="An alarm needs a pValue below it.")
    statistic: float
    posts: int
    reference_posts: int
    shares: list[ShareOut]

    @classmethod
    def of(cls, finding: Finding) -> "FindingOut":
        """A finding as it goes out."""
        shares = zip(finding.bins, finding.reference, finding.window, strict=True)
        return cls(
            feature=finding.feature,
            kind=finding.kind,
            drifted=finding.drifted,
            effect=finding.effect,
            effect_threshold=finding.effect_threshold,
            p_value=finding.p_value,
            p_threshold=finding.p_threshold,
            statistic=finding.statistic,
            posts=finding.posts,
            reference_posts=finding.reference_posts,
            shares=[ShareOut(bin=b, reference=r, window=w) for b, r, w in shares],
        )


class DriftOut(Wire):
    """How the newest posts compare with the model's profile."""

    model: str
    drifted: list[str] = Field(description="The features that give an alarm.")
    posts: int = Field(description="Different texts among the newest posts.")
    repeated: int = Field(description="Newest posts that only repeat a text.")
    first: datetime | None = Field(description="When the oldest of them was predicted.")
    last: datetime | None = Field(description="When the newest of them was predicted.")
    judged: int = Field(description="Different texts whose true label is known.")
    notes: list[str] = Field(description="What could not be compared, and what to do.")
    findings: list[FindingOut]

    @classmethod
    def of(cls, drift: Drift) -> "DriftOut":
        """Drift as it goes out."""
        return cls(
            model=drift.model_id,
            drifted=list(drift.drifted),
            posts=drift.posts,
            repeated=drift.repeated,
            first=drift.first,
            last=drift.last,
            judged=drift.judged,
            notes=list(drift.notes),
            findings=[FindingOut.of(finding) for finding in drift.findings],
        )
