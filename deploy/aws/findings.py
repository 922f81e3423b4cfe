"""What cdk-nag finds and we leave, each with its reason."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct

BASE = {
    "AwsSolutions-VPC7": "no flow logs: they would cost more than they tell of a network in which "
    "three security groups allow three connections",
    "AwsSolutions-SMG4": "no rotation: a task reads secrets when it starts, so a new one takes "
    "a deployment; docs/deploy-aws.md says how",
    "AwsSolutions-S1": "no access logs: who reads models is this service's task, and CloudTrail "
    "knows who writes them",
    "AwsSolutions-AEC4": "one node in the demo: what a cache loses is predicted again",
    "AwsSolutions-AEC5": "the usual port: another hides nothing from the one group that may ask",
}
ENTRANCE = {
    "AwsSolutions-ELB2": "no access logs: the service logs each request, with its id and without "
    "texts, addresses or credentials, and people's addresses are nothing to keep",
    "AwsSolutions-EC23": "who may ask is a parameter, which the rule can't read; a service for "
    "everybody is open to everybody",
}
TASK = {
    "AwsSolutions-ECS2": "the variables are settings; secrets are references to Secrets Manager",
    "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken is for no one repository",
    "AwsSolutions-IAM5[Resource::<ModelsC55D3500.Arn>/models/*]": "all models, and nothing else in "
    "the bucket",
}
SERVICE = {
    "AwsSolutions-ECS4": "no Container Insights in the demo: its metrics cost more than its task",
    "Annotation::info-annotation": "no circle: the alarms that take a deployment back look at the "
    "load balancer, and not at the service",
}


def acknowledge(at: IConstruct, reasons: Mapping[str, str]) -> None:
    """Give the reasons, for all that is within."""
    for rule, reason in reasons.items():
        cdk.Validations.of(at).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
