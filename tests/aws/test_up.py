"""``make deploy``: by the CDK's own command line, into an emulated account."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws.emulator import Emulator, emulator

from sentiserve.models.bundle import default_bundle, open_bundle

pytestmark = pytest.mark.xdist_group("aws")
ROOT = Path(__file__).parents[2]
# Neither an image for another processor nor a registry can be had here; what they are told can.
_RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
[ "$1" != login ] || cat > /dev/null
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs in the places of make and docker that note how they are called; the note."""
    log = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    for name in ("make", "docker"):
        program = tmp_path / "bin" / name
        program.write_text(_RECORDER.format(log=log))
        program.chmod(0o755)
    return log


def run(
    account: Emulator, tools: Path, module: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of ours as make does; nobody answers its questions.

    The region is named as the documentation does: the CDK looks at AWS_REGION, boto3 doesn't.
    """
    path = f"{tools.parent / 'bin'}:{os.environ['PATH']}"
    env = os.environ | account.variables | {"PATH": path}
    del env["AWS_DEFAULT_REGION"]
    return subprocess.run(
        [sys.executable, "-m", f"deploy.aws.{module}", *arguments],
        cwd=ROOT,
        env=env,
        input="no\n",
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_checkout_becomes_a_url_and_goes_again(tools: Path) -> None:
    """Base stack, image, model and service stack, in this order, and the URL; then nothing."""
    bundle = default_bundle()
    given = ("--model", str(bundle), "--tag", "0123abc", "--allow", "203.0.113.0/24")
    with emulator() as account:
        done = run(account, tools, "up", "demo", *given, "--flags=--require-approval=never")
        assert done.returncode == 0, done.stdout + done.stderr
        base, service = (_stack(account, f"sentiserve-demo{part}") for part in ("-base", ""))
        outputs = {one["OutputKey"]: one["OutputValue"] for one in base["Outputs"]}
        assert base["CreationTime"] < service["CreationTime"]
        image = f"{outputs['Repository']}:0123abc"
        assert tools.read_text().splitlines() == [
            f"make image IMAGE={image} PLATFORMS=linux/arm64 LOCK=hub",
            f"docker login --username AWS --password-stdin {outputs['Repository'].split('/')[0]}",
            f"docker push {image}",
        ]
        manifest = open_bundle(bundle).manifest
        place = f"models/{manifest.name}-{manifest.model_id}"
        assert _told(account)["SENTISERVE_MODEL"] == f"s3://{outputs['ModelBucket']}/{place}"
        kept = {f"{place}/{file}" for file in (*manifest.files, "bundle.json")}
        assert _objects(account, outputs["ModelBucket"]) == kept
        (url,) = [one["OutputValue"] for one in service["Outputs"] if one["OutputKey"] == "Url"]
        assert f"{url} answers" in done.stdout
        assert outputs["KeysSecret"] in done.stdout

        kept_all = run(account, tools, "down", "demo")
        assert (kept_all.returncode, kept_all.stderr.strip()) == (1, "nothing was deleted")
        gone = run(account, tools, "down", "demo", "--yes")
        assert gone.returncode == 0, gone.stderr
        assert gone.stdout.splitlines() == [
            "deleting sentiserve-demo",
            "deleting sentiserve-demo-base",
        ]
        cloud = account.client("cloudformation")
        left = [one["StackName"] for one in cloud.describe_stacks()["Stacks"]]
        assert left == []
        assert not account.client("s3").list_buckets()["Buckets"]


def test_what_could_not_be_created_goes_too(tools: Path) -> None:
    """After a first deployment that failed, the base stack is there, without outputs."""
    topic = {"Resources": {"Alerts": {"Type": "AWS::SNS::Topic"}}}
    with emulator() as account:
        cloud = account.client("cloudformation")
        cloud.create_stack(StackName="sentiserve-demo-base", TemplateBody=json.dumps(topic))
        gone = run(account, tools, "down", "demo", "--yes")
        assert gone.returncode == 0, gone.stderr
        assert cloud.describe_stacks()["Stacks"] == []


def test_an_image_is_of_what_was_committed(tools: Path) -> None:
    """The next one would have the same tag, which never changes, and so would not be pushed."""
    account = Emulator("http://127.0.0.1:1")  # nothing is asked
    done = run(account, tools, "up", "demo", "--tag", "0123abc-dirty")
    assert done.returncode == 1
    assert "commit your changes first" in done.stderr
    assert not tools.exists()


def _stack(account: Emulator, name: str) -> dict[str, Any]:
    (found,) = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    stack: dict[str, Any] = found
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return stack


def _told(account: Emulator) -> dict[str, str]:
    """The variables of the newest task definition."""
    ecs = account.client("ecs")
    (newest,) = ecs.list_task_definitions(familyPrefix="sentiserve-demo")["taskDefinitionArns"]
    task = ecs.describe_task_definition(taskDefinition=newest)["taskDefinition"]
    return {one["name"]: one["value"] for one in task["containerDefinitions"][0]["environment"]}


def _objects(account: Emulator, bucket: str) -> set[str]:
    """All versions of everything that is or was in a bucket."""
    listed = account.client("s3").list_object_versions(Bucket=bucket)
    return {one["Key"] for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])}
