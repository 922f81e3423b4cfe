"""The stacks in an emulated account: what the services there say of what was created."""

import json
import re
from typing import Any

import pytest
from aws.stacks import Deployed, Template

from deploy.aws.profiles import PROFILES
from sentiserve.store.redis_urls import parsed

CUSTOM = "CustomizedMetricSpecification"
pytestmark = pytest.mark.xdist_group("aws")


def test_everything_is_created(
    deployed: Deployed, templates: dict[str, Template], profile: str
) -> None:
    """Each resource of both templates, with nothing left out or failed."""
    for stack, created in deployed.resources.items():
        assert deployed.stack(stack)["StackStatus"] == "CREATE_COMPLETE"
        assert set(created) == set(templates[stack].body["Resources"])
        assert {one["ResourceStatus"] for one in created.values()} == {"CREATE_COMPLETE"}


def test_the_service_runs_behind_the_load_balancer(deployed: Deployed, profile: str) -> None:
    """In two zones, on port 8000, registered with the targets that are asked for readiness."""
    ecs, balancing = deployed.account.client("ecs"), deployed.account.client("elbv2")
    (service,) = ecs.describe_services(
        cluster=deployed.id("ECS::Cluster"), services=[deployed.id("ECS::Service")]
    )["services"]
    (attached,) = service["loadBalancers"]
    assert (attached["containerName"], attached["containerPort"]) == ("sentiserve", 8000)
    (targets,) = balancing.describe_target_groups(TargetGroupArns=[attached["targetGroupArn"]])[
        "TargetGroups"
    ]
    assert (targets["HealthCheckPath"], targets["TargetType"]) == ("/health/ready", "ip")
    (balancer,) = balancing.describe_load_balancers(LoadBalancerArns=targets["LoadBalancerArns"])[
        "LoadBalancers"
    ]
    assert balancer["Scheme"] == "internet-facing"
    assert deployed.outputs(deployed.name)["Url"].endswith(balancer["DNSName"])
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    subnets = deployed.account.client("ec2").describe_subnets(SubnetIds=network["subnets"])[
        "Subnets"
    ]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert {subnet["VpcId"] for subnet in subnets} == {balancer["VpcId"]}
    private = PROFILES[profile].private
    assert network["assignPublicIp"] == ("DISABLED" if private else "ENABLED")


def test_the_task_is_what_the_image_needs(deployed: Deployed, profile: str) -> None:
    """On ARM64, with the image of the base stack's repository, and with secrets that exist."""
    task = deployed.account.client("ecs").describe_task_definition(
        taskDefinition=deployed.id("ECS::TaskDefinition")
    )["taskDefinition"]
    assert task["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert (task["networkMode"], task["requiresCompatibilities"]) == ("awsvpc", ["FARGATE"])
    assert (task["cpu"], task["memory"]) == (
        str(PROFILES[profile].cpu),
        str(PROFILES[profile].memory),
    )
    (container,) = task["containerDefinitions"]
    repository = deployed.outputs(f"{deployed.name}-base")["Repository"]
    assert container["image"] == f"{repository}:0123abc"
    secrets = deployed.account.client("secretsmanager")
    for secret in container["secrets"]:
        assert secrets.get_secret_value(SecretId=secret["valueFrom"])["SecretString"]
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == deployed.outputs(deployed.name)["LogGroup"]


def test_the_task_finds_the_store_by_its_secret(deployed: Deployed) -> None:
    """By TLS, with Valkey's password, at its address; a URL that the service understands."""
    url = _secret(deployed, "SENTISERVE_STORE")
    found = re.fullmatch(r"rediss://:([A-Za-z0-9]{64})@primary\.store\.example:6379", url)
    assert found, "the URL is of another form"
    values = [_value(deployed, secret) for secret in deployed.ids("SecretsManager::Secret")]
    assert found[1] in values
    assert parsed(url).name == "rediss://primary.store.example:6379"


def test_valkey_is_as_the_profile_says(deployed: Deployed, base: Template, profile: str) -> None:
    """With TLS and a password; with a second node that takes over, but for the demo."""
    (group,) = deployed.account.client("elasticache").describe_replication_groups(
        ReplicationGroupId=deployed.id("ElastiCache::ReplicationGroup")
    )["ReplicationGroups"]
    several = PROFILES[profile].nodes > 1
    assert group["MultiAZ"] == ("enabled" if several else "disabled")
    assert group["AutomaticFailover"] == ("enabled" if several else "disabled")
    # moto makes one node whatever it is told
    assert base.only("ElastiCache::ReplicationGroup")["NumCacheClusters"] == (2 if several else 1)
    assert group["AtRestEncryptionEnabled"] is group["TransitEncryptionEnabled"] is True


def test_three_things_make_more_tasks(deployed: Deployed, profile: str) -> None:
    """CPU, requests and texts that wait, between the profile's bounds."""
    scaling = deployed.account.client("application-autoscaling")
    of = {"ServiceNamespace": "ecs", "ResourceId": _scaled(deployed)}
    (target,) = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[of["ResourceId"]]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == PROFILES[profile].tasks
    policies = [
        policy["TargetTrackingScalingPolicyConfiguration"]
        for policy in scaling.describe_scaling_policies(**of)["ScalingPolicies"]
    ]
    predefined = [p.get("PredefinedMetricSpecification", {}) for p in policies]
    kinds = {one["PredefinedMetricType"] for one in predefined if one}
    assert kinds == {"ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"}
    (own,) = [
        p["CustomizedMetricSpecification"] for p in policies if "CustomizedMetricSpecification" in p
    ]
    assert (own["Namespace"], own["MetricName"]) == ("sentiserve", "QueuedTexts")
    assert own["Dimensions"] == [{"Name": "service", "Value": deployed.name}]
    assert len(policies) == 3
    (label,) = [one["ResourceLabel"] for one in predefined if "ResourceLabel" in one]
    assert re.fullmatch(r"app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+", label)


def test_alarms_tell_the_topic(deployed: Deployed) -> None:
    """But for those that are parts of another; one alone takes missing figures for trouble."""
    alarms = _alarms(deployed)
    topic = deployed.outputs(f"{deployed.name}-base")["AlertsTopic"]
    silent = {a["AlarmDescription"] for a in alarms if not a["AlarmActions"]}
    assert silent == {f"the last {minutes} minutes" for minutes in (5, 30, 60, 360)}
    assert all(a["AlarmActions"] in ([], [topic]) for a in alarms)
    breaching = [a["AlarmDescription"] for a in alarms if a["TreatMissingData"] == "breaching"]
    assert breaching == ["the service writes no figures, so alarms on them see nothing"]


def test_budgets_are_burnt_at_the_rates_of_the_book(deployed: Deployed) -> None:
    """14.4 and 6 times as fast as 30 days allow, each over a long and a short window."""
    windows = {
        alarm["AlarmDescription"]: (alarm["Threshold"], alarm["Metrics"][0].get("Expression", ""))
        for alarm in _alarms(deployed)
        if alarm["AlarmDescription"].startswith("the last")
    }
    thresholds = {description: threshold for description, (threshold, _) in windows.items()}
    assert thresholds == {
        "the last 5 minutes": 1.44,
        "the last 60 minutes": 1.44,
        "the last 30 minutes": 0.6,
        "the last 360 minutes": 0.6,
    }


def test_the_dashboard_shows_it_all(deployed: Deployed, profile: str) -> None:
    """CPU, memory, tasks, hits, failures, latency, queue, refusals, models and logs."""
    body = _dashboard(deployed)
    titles = [widget["properties"].get("title", "") for widget in body["widgets"]]
    text = json.dumps(body)
    for shown in (
        "CPUUtilization", "MemoryUtilization", "SampleCount", "Hits",
        "HTTPCode_Target_5XX_Count", "TargetResponseTime", "QueuedTexts", "Refused",
    ):  # fmt: skip
        assert f'"{shown}"' in text, shown
    assert ('"DesiredTaskCount"' in text) == PROFILES[profile].insights
    assert {"Model of each task", "Warnings and errors"} <= set(titles)
    logs = [w["properties"]["query"] for w in body["widgets"] if w["type"] == "log"]
    assert all(deployed.outputs(deployed.name)["LogGroup"] in query for query in logs)
    assert "Fn::" not in text
    assert "Token[" not in text


def test_what_dimensions_name_exists(deployed: Deployed) -> None:
    """Alarms and the dashboard look at this load balancer, service and store."""
    alarms = _alarms(deployed)
    parts = [part.get("MetricStat", {}) for alarm in alarms for part in alarm["Metrics"]]
    looked_at = [*alarms, *(part["Metric"] for part in parts if part)]
    found = {(one["Name"], one["Value"]) for m in looked_at for one in m.get("Dimensions", [])}
    balancer = deployed.id("ElasticLoadBalancingV2::LoadBalancer").split(":loadbalancer/")[1]
    group = deployed.id("ElastiCache::ReplicationGroup")
    named = dict(found)
    assert named["LoadBalancer"] == balancer
    assert named["ClusterName"] == deployed.id("ECS::Cluster")
    assert named["ServiceName"] == deployed.id("ECS::Service").rpartition("/")[2]
    assert {v for k, v in found if k == "CacheClusterId"} <= {f"{group}-001", f"{group}-002"}
    assert {k for k, _ in found} == {
        "LoadBalancer", "TargetGroup", "ClusterName", "ServiceName", "CacheClusterId", "service",
    }  # fmt: skip


def _alarms(deployed: Deployed) -> list[dict[str, Any]]:
    names = deployed.ids("CloudWatch::Alarm")
    pages = deployed.account.client("cloudwatch").get_paginator("describe_alarms")
    return [
        {"Metrics": [], **alarm}
        for page in pages.paginate(AlarmNames=names)
        for alarm in page["MetricAlarms"]
    ]


def _dashboard(deployed: Deployed) -> dict[str, Any]:
    answer = deployed.account.client("cloudwatch").get_dashboard(DashboardName=deployed.name)
    body: dict[str, Any] = json.loads(answer["DashboardBody"])
    return body


def _scaled(deployed: Deployed) -> str:
    return deployed.id("ApplicationAutoScaling::ScalableTarget").partition("|")[0]


def _secret(deployed: Deployed, variable: str) -> str:
    task = deployed.account.client("ecs").describe_task_definition(
        taskDefinition=deployed.id("ECS::TaskDefinition")
    )["taskDefinition"]
    (container,) = task["containerDefinitions"]
    (reference,) = [s["valueFrom"] for s in container["secrets"] if s["name"] == variable]
    return _value(deployed, reference)


def _value(deployed: Deployed, secret: str) -> str:
    secrets = deployed.account.client("secretsmanager")
    value: str = secrets.get_secret_value(SecretId=secret)["SecretString"]
    return value
