"""What is told of drift: a finding for each feature, and the window that it was found in."""

from dataclasses import dataclass
from datetime import datetime

from sentiserve.profile import Kind

FALSE_ALARMS = 0.001  # of windows of unchanged posts, all features together
LEAST_SHIFT = 0.1  # of the population stability index; less is commonly taken for none
LEAST_DROP = 0.05  # of accuracy


@dataclass(frozen=True, slots=True)
class Finding:
    """How one feature of the window compares with the reference.

    Attributes:
        feature: its name, unique in a report.
        bins: what is counted, in words; without those that neither side has.
        reference: the share of each bin, there; for ``confusion``, what the reference would have
            said of posts with the window's true labels.
        window: the share of each bin, here.
        posts: how many are in the window.
        reference_posts: how many the reference was made of.
        statistic: Pearson's χ²; for ``accuracy``, how many were right.
        p_value: how often unchanged posts differ as much.
        effect: how far apart they are: population stability index without what chance adds; for
            ``accuracy``, how much lower it is.
        p_threshold: an alarm needs a ``p_value`` below it,
        effect_threshold: and an ``effect`` of at least so much.
    """

    feature: str
    kind: Kind
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...]
    posts: int
    reference_posts: int
    statistic: float
    p_value: float
    effect: float
    p_threshold: float = FALSE_ALARMS
    effect_threshold: float = LEAST_SHIFT

    @property
    def drifted(self) -> bool:
        """Whether the difference is neither chance nor small."""
        return self.p_value < self.p_threshold and self.effect >= self.effect_threshold


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of the posts of one model.

    Attributes:
        posts: different texts in the window; the same text again counts once, for the tests take
            posts to be independent.
        repeated: posts of the window that only repeat a text.
        first: when its oldest post was predicted; None in an empty window.
        last: when its newest one was.
        judged: different texts whose true label is known, at most as many as a window has.
        findings: one for each feature that could be compared.
        notes: why others could not be, and what to do, in words.
    """

    model_id: str
    posts: int
    repeated: int
    first: datetime | None
    last: datetime | None
    judged: int
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features that give an alarm."""
        return tuple(finding.feature for finding in self.findings if finding.drifted)
