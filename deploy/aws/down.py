"""``make destroy``: back to nothing."""

import argparse
import sys

from deploy.aws.account import client, delete_stack, empty, outputs
from deploy.aws.profiles import PROFILES


def main() -> None:
    """Ask, then delete both stacks with all that is in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("--yes", action="store_true", help="don't ask")
    given = parser.parse_args()
    name = f"sentiserve-{given.profile}"
    question = f"This deletes all of {name}, for good. Type {given.profile}: "
    if not given.yes and input(question) != given.profile:
        sys.exit("nothing was deleted")
    delete_stack(name)
    try:
        bucket = outputs(f"{name}-base").get("ModelBucket")
    except client("cloudformation").exceptions.ClientError:  # there is no such stack
        return
    if bucket is not None:  # a stack that could not be created is there, but has no outputs
        empty(bucket)
    delete_stack(f"{name}-base")


if __name__ == "__main__":
    main()
