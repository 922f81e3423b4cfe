"""A task: the container, what it may do, and what it is told."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws.base import Base
from deploy.aws.findings import TASK, acknowledge
from deploy.aws.network import CIDR
from deploy.aws.profiles import Profile

PORT = 8000
_RATE = 50  # requests a second of one client in the long run; more get 429
# After SIGTERM: not ready any longer while the load balancer notices, then what was accepted is
# answered, then recorded; the last seconds are for closing.
_NOTICE, _DRAIN, _CLOSE = 20, 15, 10
STOP = cdk.Duration.seconds(_NOTICE + 2 * _DRAIN + _CLOSE)  # of Spot's 120


class Task(Construct):
    """The task definition; each image and each model is a revision of it."""

    def __init__(
        self, scope: Construct, profile: Profile, base: Base, *, image_tag: str, model: str
    ) -> None:
        """Describe it."""
        super().__init__(scope, "Task")
        acknowledge(self, TASK)
        self.logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=cdk.Stack.of(self).stack_name,
            cpu=profile.cpu,
            memory_limit_mib=profile.memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            volumes=[ecs.Volume(name="data")],
        )
        container = self.definition.add_container(
            "sentiserve",
            image=ecs.ContainerImage.from_ecr_repository(base.images, image_tag),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            environment=_environment(profile, model, cdk.Stack.of(self).stack_name),
            secrets={
                "SENTISERVE_STORE": ecs.Secret.from_secrets_manager(base.store.url),
                "SENTISERVE_API_KEYS": ecs.Secret.from_secrets_manager(base.keys),
            },
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="task",
                log_group=self.logs,
                # Logs never hold up an answer; what a lost connection costs is some lines.
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
                max_buffer_size=cdk.Size.mebibytes(25),
            ),
            health_check=ecs.HealthCheck(
                command=["CMD", "python3", "-I", "-S", "/app/healthy.py"],
                interval=cdk.Duration.seconds(10),
                timeout=cdk.Duration.seconds(5),
                retries=3,
                start_period=cdk.Duration.seconds(120),
            ),
            readonly_root_filesystem=True,
            stop_timeout=STOP,
        )
        container.add_mount_points(  # the journal, and models that are pulled
            ecs.MountPoint(container_path="/data", source_volume="data", read_only=False)
        )
        self._let_read_models(base)

    def _let_read_models(self, base: Base) -> None:
        """Objects below models/, and their list: without it a missing one looks forbidden."""
        role = self.definition.task_role
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[base.models.arn_for_objects("models/*")]
            )
        )
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[base.models.bucket_arn],
                conditions={"StringLike": {"s3:prefix": "models/*"}},
            )
        )


def _environment(profile: Profile, model: str, service: str) -> dict[str, str]:
    return {
        "SENTISERVE_MODEL": model,
        "SENTISERVE_SOURCES": profile.sources,
        "SENTISERVE_HISTORY": "off",  # a task's disk goes with it
        "SENTISERVE_METRICS": "emf",
        "SENTISERVE_SERVICE": service,
        "SENTISERVE_DRAIN_DELAY": str(_NOTICE),
        "SENTISERVE_DRAIN_TIMEOUT": str(_DRAIN),
        "SENTISERVE_TRUSTED_PROXIES": CIDR,  # the load balancer is in there
        "SENTISERVE_CLIENT_RATE": str(_RATE),
    }
