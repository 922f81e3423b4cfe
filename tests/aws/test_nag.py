"""AWS's rules of good practice, by cdk-nag."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("aws")


@pytest.mark.usefixtures("app")  # which starts Node as all of these tests want it
def test_every_finding_is_explained(tmp_path: Path) -> None:
    """What is left of them has a reason in deploy/aws/findings.py."""
    from cdk_nag import AwsSolutionsChecks

    from deploy.aws.__main__ import build

    app = build(str(tmp_path))  # one of its own: a finding's name changes once it is synthesized
    report = AwsSolutionsChecks(app).validate_scope(app)
    found = [
        f"{violation.rule_name} in {resource.construct_path}: {violation.description}"
        for violation in report.violations
        for resource in violation.violating_resources
    ]
    assert found == []
