"""All stacks of all profiles: ``python -m deploy.aws`` synthesizes them into ``cdk.out``."""

import aws_cdk as cdk

from deploy.aws.base import Base
from deploy.aws.profiles import PROFILES
from deploy.aws.service import Service


def build(outdir: str | None = None) -> cdk.App:
    """The app, not yet synthesized."""
    app = cdk.App(
        outdir=outdir,
        analytics_reporting=False,
        context={
            "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm": True,
            "@aws-cdk/aws-iam:minimizePolicies": True,
            "@aws-cdk/core:checkSecretUsage": True,
            "@aws-cdk/core:defaultCrossStackReferences": "strong",
        },
    )
    for profile in PROFILES.values():
        Service(app, profile, Base(app, profile))
    return app


if __name__ == "__main__":
    build().synth()
