"""Panels, and the expressions that are in them.

Several workers have a series each, which are summed: counters after ``rate``, which sees when one
of them starts anew.
"""

from dataclasses import dataclass, field

ALL = 'job="$job",instance=~"$instance"'
CALLS = f'{ALL},route!~"/health/.*|/metrics"'
ASKED = f'{CALLS},route=~"$route"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: short.
        description: what it means, and what is bad.
        lines: expressions by their legend.
        unit: as Grafana names it.
        thresholds: from which on it is yellow, and red.
        kind: of Grafana's panels.
        share: whether it is between 0 and 1.
        stacked: whether the lines add up.
    """

    title: str
    description: str
    lines: dict[str, str]
    unit: str = "short"
    thresholds: tuple[float, ...] = ()
    kind: str = "timeseries"
    share: bool = False
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side, under a title."""

    title: str
    panels: list[Panel] = field(default_factory=list)
    height: int = 8


def rate(metric: str, labels: str = ALL) -> str:
    """How much a counter grows a second, by series."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def total(metric: str, *by: str, labels: str = ALL) -> str:
    """How much a counter grows a second, of all series together or by some of their labels."""
    grouped = f" by ({', '.join(by)})" if by else ""
    return f"sum{grouped} ({rate(metric, labels)})"


def quantile(of: float, metric: str, labels: str = ALL) -> str:
    """What such a share of what a histogram counted is below."""
    return f"histogram_quantile({of}, {total(metric + '_bucket', 'le', labels=labels)})"


def share(metric: str, part: str, labels: str = ALL) -> str:
    """The part's share; 0 where there is none of it, nothing where there is nothing at all."""
    some, whole = total(metric, labels=f"{labels},{part}"), total(metric, labels=labels)
    return f"({some} or vector(0)) / {whole}"


def hit_rate() -> str:
    """The share of posts and texts answered from the store."""
    return share("sentiserve_predictions_total", 'outcome="hit"')
