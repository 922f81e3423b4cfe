"""What moto's CloudFormation lacks of our templates."""

import json
import secrets
import string
from typing import Any

from aws.forwarding import Kind, Properties, teach
from moto.cloudformation.models import CloudFormationBackend
from moto.ec2.models.route_tables import RouteTable
from moto.elbv2 import models as elb

ACCOUNT, REGION = "123456789012", "us-east-1"
_LETTERS = string.ascii_letters + string.digits


def _camel(value: Any) -> Any:
    """ECS writes its parameters in another case than CloudFormation its properties."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _camel(of) for key, of in value.items()}
    return [_camel(of) for of in value] if isinstance(value, list) else value


def _task(properties: Properties) -> Properties:
    logs = [container["LogConfiguration"] for container in properties["ContainerDefinitions"]]
    options = [configuration.pop("Options") for configuration in logs]  # whose keys are no words
    adapted: Properties = _camel(properties)
    for container, kept in zip(adapted["containerDefinitions"], options, strict=True):
        container["logConfiguration"]["options"] = kept
    return adapted


def _cluster(properties: Properties) -> Properties:
    adapted = _camel(properties)
    return {"settings": adapted.pop("clusterSettings", []), **adapted}


def _providers(properties: Properties) -> Properties:
    adapted: Properties = _camel(properties)
    return adapted


def _service(properties: Properties) -> Properties:
    adapted: Properties = _camel(properties)
    adapted["enableECSManagedTags"] = adapted.pop("enableECSManagedTags", False)
    return adapted


def _policy(properties: Properties) -> Properties:
    resource, dimension, namespace = properties.pop("ScalingTargetId").split("|")
    return {
        **properties,
        "ResourceId": resource,
        "ScalableDimension": dimension,
        "ServiceNamespace": namespace,
    }


def _secret(properties: Properties) -> Properties:
    if (wanted := properties.pop("GenerateSecretString", None)) is not None:
        made = "".join(secrets.choice(_LETTERS) for _ in range(wanted["PasswordLength"]))
        properties["SecretString"] = made
    return properties


def _group(properties: Properties) -> Properties:
    return {**properties, "ReplicationGroupId": properties["ReplicationGroupId"].lower()[:40]}


def _subnets(properties: Properties) -> Properties:
    return {
        "CacheSubnetGroupName": properties["CacheSubnetGroupName"].lower(),
        "CacheSubnetGroupDescription": properties["Description"],
        "SubnetIds": properties["SubnetIds"],
    }


def _parameters(properties: Properties) -> Properties:
    return {key: of for key, of in properties.items() if key != "Properties"}


def _bucket_policy(properties: Properties) -> Properties:
    """Without what has conditions: moto ignores those, and would lock everybody out."""
    document = properties["PolicyDocument"]
    kept = [statement for statement in document["Statement"] if "Condition" not in statement]
    return {
        "Bucket": properties["Bucket"],
        "Policy": json.dumps({**document, "Statement": kept}),
    }


def _topic_policy(properties: Properties) -> Properties:
    (topic,) = properties["Topics"]
    document = json.dumps(properties["PolicyDocument"])
    return {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": document}


def _egress(properties: Properties) -> Properties:
    to = properties["DestinationSecurityGroupId"]
    permission = {key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort")}
    pair = {"GroupId": to, "Description": properties["Description"]}
    return {
        "GroupId": properties["GroupId"],
        "IpPermissions": [{**permission, "UserIdGroupPairs": [pair]}],
    }


def _alarm_attributes(sent: Properties, _: Properties) -> Properties:
    return {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{sent['AlarmName']}"}


KINDS = (
    # moto has the first three, but drops much of what they are told
    Kind(
        "AWS::ECS::Cluster",
        "ecs.create_cluster",
        "ClusterName",
        _cluster,
        ref=lambda _, answer: answer["cluster"]["clusterName"],
        attributes=lambda _, answer: {"Arn": answer["cluster"]["clusterArn"]},
    ),
    Kind(
        "AWS::ECS::TaskDefinition",
        "ecs.register_task_definition",
        adapt=_task,
        ref=lambda _, answer: answer["taskDefinition"]["taskDefinitionArn"],
    ),
    Kind(
        "AWS::ECS::Service",
        "ecs.create_service",
        "ServiceName",
        _service,
        ref=lambda _, answer: answer["service"]["serviceArn"],
        attributes=lambda _, answer: {"Name": answer["service"]["serviceName"]},
    ),
    Kind(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "ecs.put_cluster_capacity_providers",
        adapt=_providers,
    ),
    Kind(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "application-autoscaling.register_scalable_target",
        ref=lambda sent, _: "|".join(
            sent[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace")
        ),
    ),
    Kind(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "application-autoscaling.put_scaling_policy",
        adapt=_policy,
        ref=lambda _, answer: answer["PolicyARN"],
    ),
    Kind(
        "AWS::CloudWatch::Alarm",
        "cloudwatch.put_metric_alarm",
        "AlarmName",
        attributes=_alarm_attributes,
    ),
    Kind(
        "AWS::CloudWatch::CompositeAlarm",
        "cloudwatch.put_composite_alarm",
        attributes=_alarm_attributes,
        is_real=False,
    ),
    Kind(
        "AWS::ElastiCache::SubnetGroup",
        "elasticache.create_cache_subnet_group",
        "CacheSubnetGroupName",
        _subnets,
        ref=lambda sent, _: sent["CacheSubnetGroupName"],
    ),
    Kind(
        "AWS::ElastiCache::ParameterGroup",
        "elasticache.create_cache_parameter_group",
        "CacheParameterGroupName",
        _parameters,
        ref=lambda sent, _: sent["CacheParameterGroupName"],
        is_real=False,
    ),
    Kind(
        "AWS::ElastiCache::ReplicationGroup",
        "elasticache.create_replication_group",
        "ReplicationGroupId",
        _group,
        ref=lambda sent, _: sent["ReplicationGroupId"],
        attributes=lambda *_: {"PrimaryEndPoint.Address": "primary.store.example"},
    ),
    Kind(
        "AWS::SecretsManager::Secret",
        "secretsmanager.create_secret",
        "Name",
        _secret,
        ref=lambda _, answer: answer["ARN"],
    ),
    Kind("AWS::S3::BucketPolicy", "s3.put_bucket_policy", adapt=_bucket_policy),
    Kind("AWS::SNS::TopicPolicy", "sns.set_topic_attributes", adapt=_topic_policy),
    Kind(
        "AWS::EC2::SecurityGroupEgress",
        "ec2.authorize_security_group_egress",
        adapt=_egress,
    ),
)


def _balancer_attribute(balancer: Any, attribute: str) -> Any:
    return {
        "DNSName": balancer.dns_name,
        "LoadBalancerFullName": balancer.arn.split(":loadbalancer/")[-1],
    }[attribute]


def _targets_attribute(targets: Any, attribute: str) -> Any:
    return {"TargetGroupFullName": targets.arn.split(":")[-1]}[attribute]


class ChangeSets(CloudFormationBackend):
    """moto's, with what the CDK's command line, which works by change sets, misses there."""

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Give a stack its imports, outputs and exports, too."""
        stack = self.stacks[self.change_sets[change_set_name].stack_id]
        stack.resource_map.cross_stack_resources = self.exports
        _execute(self, change_set_name, stack_name)
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        self.exports.update({export.name: export for export in stack.exports})

    def delete_change_set(self, change_set_name: str) -> None:
        """Say nothing of one that isn't there."""
        known = {one.change_set_name for one in self.change_sets.values()} | set(self.change_sets)
        if change_set_name in known:
            _delete(self, change_set_name)


_execute = CloudFormationBackend.execute_change_set
_delete = CloudFormationBackend.delete_change_set


def _delete_table(table: Any, _account: str, _region: str) -> None:
    """And its associations with subnets, which moto doesn't delete either."""
    table._associations.clear()
    table.ec2_backend.delete_route_table(table.id)


def teach_all() -> None:
    """Let moto's CloudFormation make everything that our templates name."""
    for name in ("execute_change_set", "delete_change_set"):
        setattr(CloudFormationBackend, name, getattr(ChangeSets, name))
    _taught.extend(teach(kind) for kind in KINDS)
    setattr(RouteTable, "delete", _delete_table)  # noqa: B010  # it has none
    for model, attribute in (
        (elb.FakeLoadBalancer, _balancer_attribute),
        (elb.FakeTargetGroup, _targets_attribute),
    ):
        setattr(model, "get_cfn_attribute", attribute)  # noqa: B010  # moto has another


_taught: list[Any] = []  # moto finds them among all classes, so they must live
