"""The service stack: everything that an image and a model run in."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from deploy.aws.alarms import Alarms
from deploy.aws.base import Base
from deploy.aws.dashboard import Dashboard
from deploy.aws.entrance import Entrance
from deploy.aws.findings import SERVICE, acknowledge
from deploy.aws.profiles import Profile
from deploy.aws.scaling import scale
from deploy.aws.signals import Signals
from deploy.aws.task import Task


class Service(cdk.Stack):
    """Cluster, tasks, load balancer, scaling, alarms and dashboard."""

    def __init__(self, scope: Construct, profile: Profile, base: Base) -> None:
        """Name it after the profile; image and model are parameters."""
        super().__init__(
            scope,
            f"sentiserve-{profile.name}",
            description=f"sentiserve, {profile.name}: tasks behind a load balancer",
            synthesizer=cdk.BootstraplessSynthesizer(),
        )
        self.template_options.template_format_version = "2010-09-09"
        acknowledge(self, SERVICE)
        image_tag = self._parameter("ImageTag", "Tag of the image in the base stack's repository")
        model = self._parameter("Model", "SENTISERVE_MODEL; empty: the image's own", default="")
        allowed = self._parameter("Allowed", "Addresses that may ask", default="0.0.0.0/0")
        entrance = Entrance(self, profile, base.network, allowed)
        task = Task(self, profile, base, image_tag=image_tag, model=model)
        service = self._service(profile, base, task)
        service.attach_to_application_target_group(entrance.targets)
        signals = Signals(self.stack_name, service, entrance, base.store.node_names)
        scale(service, profile, entrance, signals)
        alarms = Alarms(self, profile, signals, base.alerts)
        service.enable_deployment_alarms(
            [alarm.alarm_name for alarm in alarms.rollback],
            behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM,
        )
        Dashboard(self, profile, signals, alarms, task.logs)
        cdk.CfnOutput(self, "Url", value=entrance.url)
        cdk.CfnOutput(self, "LogGroup", value=task.logs.log_group_name)

    def _parameter(self, name: str, description: str, *, default: str | None = None) -> str:
        parameter = cdk.CfnParameter(self, name, description=description, default=default)
        value: str = parameter.value_as_string
        return value

    def _service(self, profile: Profile, base: Base, task: Task) -> ecs.FargateService:
        insights = ecs.ContainerInsights
        cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=base.network.vpc,
            container_insights_v2=insights.ENABLED if profile.insights else insights.DISABLED,
        )
        providers = ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Providers",
            cluster=cluster.cluster_name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategy=[],
        )
        service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task.definition,
            # No desired_count: a deployment would set the number of tasks back to it.
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(
                    capacity_provider="FARGATE", base=profile.tasks[0], weight=1
                ),
                ecs.CapacityProviderStrategy(
                    capacity_provider="FARGATE_SPOT", weight=profile.on_spot
                ),
            ],
            vpc_subnets=base.network.tasks_in,
            assign_public_ip=not profile.private,
            security_groups=[base.network.tasks],
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=cdk.Duration.seconds(120),
        )
        service.node.add_dependency(providers)  # before it is created, until it is deleted
        return service
