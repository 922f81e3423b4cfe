"""Every metric that an alarm, the dashboard or a scaling policy looks at."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb

from deploy.aws.entrance import Entrance
from sentiserve.emf import DIMENSION, NAMESPACE

_MINUTE = Duration.minutes(1)
_FEW = 5  # failures in a period that say nothing yet


class Signals:
    """The metrics of one service."""

    def __init__(
        self, name: str, service: ecs.FargateService, entrance: Entrance, nodes: Sequence[str]
    ) -> None:
        """Take the name by which the service writes its metrics, and the nodes of its store."""
        self._name = name
        self._service = service
        self._balancer = entrance.balancer.metrics
        self._targets = entrance.targets.metrics
        self._nodes = nodes

    def own(
        self,
        name: str,
        statistic: str = "Sum",
        label: str | None = None,
        period: Duration = _MINUTE,
    ) -> cw.Metric:
        """A figure that the service writes."""
        return cw.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={DIMENSION: self._name},
            statistic=statistic,
            period=period,
            label=label or name,
        )

    def ecs(self, name: str, statistic: str = "Average") -> cw.Metric:
        """A figure of the ECS service: CPUUtilization, MemoryUtilization."""
        return self._of_service("AWS/ECS", name, statistic)

    def running(self) -> cw.Metric:
        """How many tasks there are: each gives one sample a minute."""
        return self._of_service("AWS/ECS", "CPUUtilization", "SampleCount", "running")

    def insight(self, which: str) -> cw.Metric:
        """How many tasks are Desired or Pending; only with Container Insights."""
        return self._of_service(
            "ECS/ContainerInsights", f"{which}TaskCount", "Maximum", which.lower()
        )

    def requests(self, period: Duration = _MINUTE) -> cw.Metric:
        """Requests that the load balancer handed on."""
        return self._balancer.request_count(period=period, label="requests")

    def seconds(self, statistic: str) -> cw.Metric:
        """Time until a task answered."""
        return self._balancer.target_response_time(
            statistic=statistic, period=_MINUTE, label=statistic
        )

    def status(self, kind: elb.HttpCodeTarget, period: Duration = _MINUTE) -> cw.Metric:
        """Answers of tasks with such a status."""
        return self._balancer.http_code_target(kind, period=period)

    def unhealthy(self) -> cw.Metric:
        """Tasks that the load balancer sends nothing to."""
        return self._targets.unhealthy_host_count(statistic="Maximum", period=_MINUTE)

    def failures(self, period: Duration = _MINUTE) -> cw.MathExpression:
        """Percent of requests that got 5xx, from a task or for want of one; few don't count."""
        failed, sent = "(FILL(failed, 0) + FILL(unsent, 0))", "(FILL(sent, 0) + FILL(unsent, 0))"
        return cw.MathExpression(
            expression=f"IF({failed} > {_FEW}, 100 * {failed} / {sent}, 0)",
            using_metrics={
                "failed": self.status(elb.HttpCodeTarget.TARGET_5XX_COUNT, period),
                "unsent": self._balancer.http_code_elb(
                    elb.HttpCodeElb.ELB_5XX_COUNT, period=period
                ),
                "sent": self.requests(period),
            },
            period=period,
            label="% of requests failed",
        )

    def hits(self, period: Duration = _MINUTE, *, enough: int = 0) -> cw.MathExpression:
        """Percent of posts and texts that were remembered; 100 where there weren't enough."""
        percent = "100 * hits / (hits + misses)"
        return cw.MathExpression(
            expression=f"IF(hits + misses > {enough}, {percent}, 100)" if enough else percent,
            using_metrics={
                "hits": self.own("Hits", period=period),
                "misses": self.own("Misses", period=period),
            },
            period=period,
            label="% remembered",
        )

    def store(self, name: str, statistic: str = "Maximum") -> list[cw.Metric]:
        """A figure of each node of Valkey."""
        return [
            cw.Metric(
                namespace="AWS/ElastiCache",
                metric_name=name,
                dimensions_map={"CacheClusterId": node},
                statistic=statistic,
                period=_MINUTE,
                label=f"{name} {number}",
            )
            for number, node in enumerate(self._nodes, 1)
        ]

    def _of_service(
        self, namespace: str, name: str, statistic: str, label: str | None = None
    ) -> cw.Metric:
        return cw.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={
                "ClusterName": self._service.cluster.cluster_name,
                "ServiceName": self._service.service_name,
            },
            statistic=statistic,
            period=_MINUTE,
            label=label or statistic,
        )
