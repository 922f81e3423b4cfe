"""What cdk-nag finds and we leave, each with its reason."""

import aws_cdk as cdk
from constructs import IConstruct

_BASE = {
    "AwsSolutions-VPC7": "no flow logs: they cost more than they tell of a VPC in which three "
    "security groups allow three connections",
}
_SERVICE: dict[str, str] = {}


def acknowledge_base(stack: cdk.Stack) -> None:
    """Give the reasons of the base stack."""
    _acknowledge(stack, _BASE)


def acknowledge_service(stack: cdk.Stack) -> None:
    """Give the reasons of the service stack."""
    _acknowledge(stack, _SERVICE)


def _acknowledge(at: IConstruct, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        cdk.Validations.of(at).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
