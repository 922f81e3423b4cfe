"""What ``sentiserve report --drift`` prints."""

from sentiserve.cli.console import facts, json_line, table
from sentiserve.insights.findings import Drift, Finding

_CHANGED = 3  # bins that are named, those that changed most


def print_drift(drift: Drift, *, as_json: bool) -> None:
    """Print a table for people, or one JSON object."""
    if as_json:
        from sentiserve.insights.report_json import drift_json

        json_line(drift_json(drift))
        return
    posts = f"{drift.posts:,}" + (f", and {drift.repeated:,} repeated" if drift.repeated else "")
    facts(
        {
            "model": drift.model_id,
            "newest posts": posts,
            "predicted": f"{drift.first:%Y-%m-%d %H:%M} to {drift.last:%Y-%m-%d %H:%M}"
            if drift.first and drift.last
            else "never",
            "with true labels": f"{drift.judged:,}",
            "drifted": ", ".join(drift.drifted) or "nothing",
            **({"not compared": "; ".join(drift.notes)} if drift.notes else {}),
        }
    )
    if drift.findings:
        numbers = ["effect", "of", "p", "below"]
        table(
            ["", "feature", *numbers, "changed most"],
            [_row(finding) for finding in drift.findings],
            right=numbers,
        )


def _row(finding: Finding) -> list[str]:
    return [
        "DRIFTED" if finding.drifted else "",
        finding.feature,
        f"{finding.effect:.3f}",
        f"{finding.effect_threshold:g}",
        f"{finding.p_value:.2g}",
        f"{finding.p_threshold:.2g}",
        _changes(finding),
    ]


def _changes(finding: Finding) -> str:
    bins = zip(finding.bins, finding.reference, finding.window, strict=True)
    most = sorted(bins, key=lambda bin_: abs(bin_[2] - bin_[1]), reverse=True)[:_CHANGED]
    return ", ".join(f"{name} {there:.0%} → {here:.0%}" for name, there, here in most)
