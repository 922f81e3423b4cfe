"""Templates, and stacks made of them in an emulated account."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aws.emulator import Emulator

from deploy.aws.profiles import PROFILES
from deploy.aws.templates import written

Properties = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """A template."""

    body: dict[str, Any]

    def all(self, kind: str) -> dict[str, Properties]:
        """The properties of all resources of a type, by their logical ids."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.body["Resources"].items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def only(self, kind: str) -> Properties:
        """Those of the one there is."""
        (properties,) = self.all(kind).values()
        return properties

    def statements(self) -> Iterator[dict[str, Any]]:
        """Everything that some role may do."""
        for policy in self.all("IAM::Policy").values():
            yield from policy["PolicyDocument"]["Statement"]


def templates_in(directory: Path) -> dict[str, Template]:
    """What was synthesized there, by the names of the stacks."""
    return {
        file.name.partition(".")[0]: Template(json.loads(file.read_text()))
        for file in sorted(directory.glob("*.template.json"))
    }


@dataclass(frozen=True)
class Deployed:
    """The two stacks of a profile in an account."""

    account: Emulator
    name: str

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """What each stack holds, by logical ids."""
        cloud = self.account.client("cloudformation")
        return {
            stack: {
                one["LogicalResourceId"]: one
                for one in cloud.describe_stack_resources(StackName=stack)["StackResources"]
            }
            for stack in (f"{self.name}-base", self.name)
        }

    def ids(self, kind: str) -> list[str]:
        """The physical ids of all resources of a type."""
        return [
            one["PhysicalResourceId"]
            for stack in self.resources.values()
            for one in stack.values()
            if one["ResourceType"] == f"AWS::{kind}"
        ]

    def id(self, kind: str) -> str:
        """That of the one there is."""
        (found,) = self.ids(kind)
        return found

    def stack(self, name: str) -> dict[str, Any]:
        """What CloudFormation says of a stack."""
        (found,) = self.account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        described: dict[str, Any] = found
        return described

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a stack."""
        return {one["OutputKey"]: one["OutputValue"] for one in self.stack(stack)["Outputs"]}


def deploy(account: Emulator, profile: str, templates: dict[str, Template]) -> Deployed:
    """Create both stacks, as whoever has no Node would: from a text that is short enough."""
    cloud = account.client("cloudformation")
    name = f"sentiserve-{profile}"
    parameters = {"ImageTag": "0123abc"}
    if PROFILES[profile].tls:
        request = account.client("acm").request_certificate(DomainName="sentiment.example")
        parameters["CertificateArn"] = request["CertificateArn"]
    for stack, given in ((f"{name}-base", {}), (name, parameters)):
        cloud.create_stack(
            StackName=stack,
            TemplateBody=written(templates[stack].body),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
    return Deployed(account, name)
