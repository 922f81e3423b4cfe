"""The rules of X's stream: what X says when they are listed and changed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Rules = dict[str, dict[str, str]]
"""By id."""


def listed(rules: Rules) -> dict[str, Any]:
    """All of them."""
    return {"data": list(rules.values()), "meta": {"sent": _now(), "result_count": len(rules)}}


def delete(rules: Rules, ids: Sequence[str]) -> dict[str, Any]:
    """Those are gone, where they were there."""
    gone = [rules.pop(rule) for rule in ids if rule in rules]
    summary = {"deleted": len(gone), "not_deleted": len(ids) - len(gone)}
    return {"meta": {"sent": _now(), "summary": summary}}


def add(rules: Rules, wanted: Sequence[Mapping[str, str]], ids: Iterator[int]) -> dict[str, Any]:
    """Those are there from now on; what another one does already is refused."""
    added, errors = [], []
    present = {rule["value"]: rule["id"] for rule in rules.values()}
    for rule in wanted:
        if rule["value"] in present:
            errors.append(_duplicate(rule["value"], present[rule["value"]]))
            continue
        rule_id = str(next(ids))
        rules[rule_id] = {**rule, "id": rule_id}
        added.append(rules[rule_id])
    summary = {
        "created": len(added),
        "not_created": len(errors),
        "valid": len(added),
        "invalid": len(errors),
    }
    said = {"data": added} | ({"errors": errors} if errors else {})
    return {**said, "meta": {"sent": _now(), "summary": summary}}


def _duplicate(value: str, rule_id: str) -> dict[str, str]:
    return {
        "value": value,
        "id": rule_id,
        "title": "DuplicateRule",
        "type": "https://api.twitter.com/2/problems/duplicate-rules",
    }


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
