"""``make destroy``: back to nothing."""

import argparse

from botocore.exceptions import ClientError

from deploy.aws.__main__ import build
from deploy.aws.account import empty, outputs
from deploy.aws.node import OUT, cdk
from deploy.aws.profiles import PROFILES


def main() -> None:
    """Ask, then delete both stacks with all that is in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("--yes", action="store_true", help="don't ask")
    given = parser.parse_args()
    name = f"sentiserve-{given.profile}"
    if (
        not given.yes
        and input(f"This deletes all of {name}. Type {given.profile}: ") != given.profile
    ):
        raise SystemExit("nothing was deleted")
    build(str(OUT)).synth()
    cdk("destroy", name, "--force")
    try:
        bucket = outputs(f"{name}-base")["ModelBucket"]
    except ClientError:  # there is no such stack
        return
    empty(bucket)
    cdk("destroy", f"{name}-base", "--force")


if __name__ == "__main__":
    main()
