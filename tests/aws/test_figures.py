"""Nothing is looked at that isn't there: a name misspelt would be an alarm that never rings."""

import json
import re
from pathlib import Path

import pytest
from aws.figures import Figure, as_a_task, emitted, looked_at
from aws.stacks import Deployed, Template

from deploy.aws.profiles import PROFILES
from sentiserve.emf import FIGURES
from sentiserve.metrics import Metrics

pytestmark = pytest.mark.xdist_group("aws")
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "deploy-aws.md"
OF_AWS = {  # what AWS writes of a load balancer, a service, Container Insights and Valkey
    "AWS/ApplicationELB": {
        "RequestCount", "TargetResponseTime", "UnHealthyHostCount", "HTTPCode_ELB_5XX_Count",
        "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count",
    },
    "AWS/ECS": {"CPUUtilization", "MemoryUtilization"},
    "ECS/ContainerInsights": {"DesiredTaskCount", "PendingTaskCount"},
    "AWS/ElastiCache": {
        "CacheHits", "CacheMisses", "DatabaseMemoryUsagePercentage", "Evictions",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def written(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> dict[Figure, list[float]]:
    """The figures of a service that ran with the demo's settings, and was asked things."""
    directory = tmp_path_factory.mktemp("task")
    with as_a_task(templates["sentiserve-demo"], directory) as service:
        for _ in range(2):
            answer = service.client.post("/v1/sentiment", json={"inputs": ["What a day!"]})
            answer.raise_for_status()
        assert answer.json()["results"][0]["cached"] is True  # by the store with TLS and password
        assert service.stop() == 0
    return emitted(service.logs)


def named(deployed: Deployed) -> set[Figure]:
    """What the alarms, the dashboard and the scaling policies of a deployment name."""
    watching, scaling = (
        deployed.account.client(of) for of in ("cloudwatch", "application-autoscaling")
    )
    alarms = watching.get_paginator("describe_alarms").paginate(
        AlarmNames=deployed.ids("CloudWatch::Alarm")
    )
    dashboard = watching.get_dashboard(DashboardName=deployed.name)["DashboardBody"]
    resource = deployed.id("ApplicationAutoScaling::ScalableTarget").partition("|")[0]
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=resource)
    everything = [*alarms, json.loads(dashboard), policies["ScalingPolicies"]]
    return set(looked_at(everything))


@pytest.fixture
def own(deployed: Deployed) -> set[Figure]:
    """Those of them that the service itself writes."""
    return {figure for figure in named(deployed) if figure.namespace == "sentiserve"}


def test_whatever_is_looked_at_a_running_service_writes(
    own: set[Figure], written: dict[Figure, list[float]], profile: str
) -> None:
    """By its namespace, name and dimensions."""
    wanted = {figure._replace(dimensions=(("service", "sentiserve-demo"),)) for figure in own}
    assert {figure.dimensions for figure in own} == {(("service", f"sentiserve-{profile}"),)}
    assert wanted <= set(written)


def test_whatever_the_service_writes_is_looked_at(
    own: set[Figure], written: dict[Figure, list[float]]
) -> None:
    """Each costs money every month, so the list of those that nobody looks at is empty."""
    assert {figure.name for figure in written} - {figure.name for figure in own} == set()
    assert {figure.name for figure in written} == {figure.name for figure in FIGURES}


def test_what_was_asked_is_counted(written: dict[Figure, list[float]]) -> None:
    """One text was new, and remembered the second time."""
    totals = {figure.name: sum(values) for figure, values in written.items()}
    assert (totals["Misses"], totals["Hits"], totals["Inferences"]) == (1, 1, 1)
    assert totals["InferenceSeconds"] > 0
    assert totals["StoreErrors"] == totals["Refused"] == totals["Failed"] == 0


def test_no_dimension_is_of_a_person_or_a_post(written: dict[Figure, list[float]]) -> None:
    """Each value of a dimension is a series of its own, to be paid for and to be forgotten."""
    assert {figure.dimensions for figure in written} == {(("service", "sentiserve-demo"),)}


def test_what_aws_writes_is_spelt_as_aws_does(deployed: Deployed, profile: str) -> None:
    """Nothing here can ask AWS; these are the names in its documentation."""
    others = [figure for figure in named(deployed) if figure.namespace != "sentiserve"]
    without = set() if PROFILES[profile].insights else {"ECS/ContainerInsights"}
    assert {figure.namespace for figure in others} == set(OF_AWS) - without
    assert all(figure.name in OF_AWS[figure.namespace] for figure in others)


def test_metrics_that_stay_with_prometheus_are_listed() -> None:
    """The documentation names those of ``/metrics`` that no figure is taken from."""
    kinds = re.findall(r"^# TYPE (sentiserve_\w+) ", Metrics().exposition().decode(), re.MULTILINE)
    taken = {re.sub("_(sum|count)$", "", figure.sample) for figure in FIGURES}
    listed = re.findall(r"^- `(sentiserve_\w+)`", DOCUMENTATION.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(
        set(kinds) - taken - {"sentiserve_model_info", "sentiserve_build_info"}
    )
