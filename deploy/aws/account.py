"""What is in the account: the outputs of stacks, images, models."""

import base64
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from deploy.aws.node import ROOT
from sentiserve.models.bundle import open_bundle


@cache
def client(service: str) -> Any:
    """boto3's client, with the credentials that are around, in the region that the CDK takes."""
    return boto3.client(service, region_name=os.environ.get("AWS_REGION"))  # it doesn't look there


def outputs(stack: str) -> dict[str, str]:
    """The outputs of a stack."""
    (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def push_image(repository: str, tag: str) -> None:
    """Build the image and push it, unless this tag is there already; tags never change.

    Raises:
        CalledProcessError: make or docker failed; it has said why.
    """
    images = client("ecr")
    name = repository.partition("/")[2]
    listed = images.list_images(repositoryName=name)["imageIds"]
    if any(image.get("imageTag") == tag for image in listed):
        return
    image = f"{repository}:{tag}"
    make = ["make", "image", f"IMAGE={image}", "PLATFORMS=linux/arm64", "LOCK=hub"]
    subprocess.run(make, cwd=ROOT, check=True)
    (login,) = images.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(login["authorizationToken"]).decode().partition(":")
    registry = repository.partition("/")[0]
    subprocess.run(
        ["docker", "login", "--username", user, "--password-stdin", registry],
        input=password.encode(),
        check=True,
    )
    subprocess.run(["docker", "push", image], check=True)


def upload_model(bucket: str, directory: Path) -> str:
    """Upload a bundle, once it is verified; what SENTISERVE_MODEL names it by.

    Its id is part of the name, so another model never takes the place of one that is served.

    Raises:
        BundleError: it is not whole.
    """
    bundle = open_bundle(directory)
    name = f"models/{bundle.manifest.name}-{bundle.manifest.model_id}"
    for file in (
        *bundle.manifest.files,
        "bundle.json",
    ):  # which, coming last, says that all is there
        client("s3").upload_file(str(directory / file), bucket, f"{name}/{file}")
    return f"s3://{bucket}/{name}"


def delete_stack(stack: str) -> None:
    """Delete a stack, and wait until it is gone; one that isn't there is gone.

    Raises:
        WaiterError: something of it can't be deleted; CloudFormation's console says what.
    """
    print(f"deleting {stack}", flush=True)
    client("cloudformation").delete_stack(StackName=stack)
    client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=stack)


def empty(bucket: str) -> None:
    """Delete every version of every object, without which a bucket can't be deleted."""
    pages = client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if objects:
            client("s3").delete_objects(Bucket=bucket, Delete={"Objects": objects})
