"""AWS's rules of good practice, by cdk-nag."""

from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("aws")


def test_every_finding_is_explained(app: Any) -> None:
    """What is left of them has a reason in deploy/aws/findings.py."""
    from cdk_nag import AwsSolutionsChecks

    report = AwsSolutionsChecks(app).validate_scope(app)
    found = [
        f"{violation.rule_name} in {resource.construct_path}: {violation.description}"
        for violation in report.violations
        for resource in violation.violating_resources
    ]
    assert found == []
