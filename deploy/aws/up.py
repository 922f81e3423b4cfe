"""``make deploy``: from a checkout and an account to a URL."""

import argparse
import shlex
import subprocess
from pathlib import Path

from deploy.aws.__main__ import build
from deploy.aws.account import outputs, push_image, upload_model
from deploy.aws.node import OUT, ROOT, cdk_deploy
from deploy.aws.profiles import PROFILES


def main() -> None:
    """Deploy the base stack, an image, perhaps a model, and the service stack."""
    given = _arguments()
    name = f"sentiserve-{given.profile}"
    tag = given.tag or _commit()
    if tag.endswith("-dirty"):  # the next one would have the same tag
        raise SystemExit("commit your changes first, or name the image with TAG=…")
    build(str(OUT)).synth()
    cdk_deploy(f"{name}-base", *given.flags)
    base = outputs(f"{name}-base")
    push_image(base["Repository"], tag)
    parameters = {"ImageTag": tag, "Allowed": given.allow, "CertificateArn": given.certificate}
    if given.model is not None:
        parameters["Model"] = upload_model(base["ModelBucket"], given.model)
    chosen = [f"--parameters={key}={value}" for key, value in parameters.items() if value]
    cdk_deploy(name, *chosen, *given.flags)  # a parameter that isn't given stays as it was
    print(f"\n{outputs(name)['Url']} answers whoever has the key:")
    print(
        "    aws secretsmanager get-secret-value --query SecretString --output text "
        f"--secret-id {base['KeysSecret']}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("--model", type=Path, help="a bundle; the image's own if none ever was")
    parser.add_argument("--certificate", help="ARN, for profiles with TLS; once is enough")
    parser.add_argument("--allow", help="CIDR of those who may ask; everybody if never given")
    parser.add_argument("--tag", help="of the image; the commit, if not given")
    parser.add_argument("--flags", type=shlex.split, default=[], help="for cdk deploy")
    return parser.parse_args()


def _commit() -> str:
    """The commit that the checkout is at; with ``-dirty`` if it isn't what was committed."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.strip()


if __name__ == "__main__":
    main()
