"""The dashboard: one page that says how the service is."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws.alarms import Alarms
from deploy.aws.profiles import OBJECTIVE, Profile
from deploy.aws.signals import Signals

_WIDTH = 8  # of 24 columns


class Dashboard(Construct):
    """Alarms first, then what users see, then tasks, then the store, then the log."""

    def __init__(
        self,
        scope: Construct,
        profile: Profile,
        signals: Signals,
        alarms: Alarms,
        group: logs.ILogGroup,
    ) -> None:
        """Lay it out."""
        super().__init__(scope, "Dashboard")
        dashboard = cw.Dashboard(
            self,
            "Page",
            dashboard_name=Stack.of(self).stack_name,
            default_interval=Duration.hours(3),
        )
        dashboard.add_widgets(cw.AlarmStatusWidget(alarms=list(alarms.all), width=24, height=3))
        for row in (_users(signals), _tasks(profile, signals), _model(signals), _store(signals)):
            dashboard.add_widgets(*row)
        dashboard.add_widgets(*_logs(group))


def _users(signals: Signals) -> list[cw.IWidget]:
    others = elb.HttpCodeTarget.TARGET_4XX_COUNT
    return [
        _graph("Requests a minute", signals.requests(), signals.status(others)),
        _graph(f"Failure rate, % (of 30 days: {100 - OBJECTIVE:.1f})", signals.failures(), least=0),
        _graph("Seconds to an answer", *(signals.seconds(part) for part in ("p50", "p90", "p99"))),
    ]


def _tasks(profile: Profile, signals: Signals) -> list[cw.IWidget]:
    insights = [signals.insight(which) for which in ("Desired", "Pending") if profile.insights]
    return [
        _graph("CPU, %", signals.ecs("CPUUtilization"), signals.ecs("CPUUtilization", "Maximum")),
        _graph(
            "Memory, %",
            signals.ecs("MemoryUtilization"),
            signals.ecs("MemoryUtilization", "Maximum"),
        ),
        _graph("Tasks", signals.running(), *insights),
    ]


def _model(signals: Signals) -> list[cw.IWidget]:
    seconds = cw.MathExpression(
        expression="seconds / inferences",
        using_metrics={
            "seconds": signals.own("InferenceSeconds"),
            "inferences": signals.own("Inferences"),
        },
        period=Duration.minutes(1),
        label="seconds of an inference",
    )
    queued = [
        signals.own("QueuedTexts", of, f"texts waiting, {of}") for of in ("Average", "Maximum")
    ]
    return [
        _graph("Queue of a task", *queued),
        _graph(
            "Texts refused, or failed by the model", signals.own("Refused"), signals.own("Failed")
        ),
        _graph("Inference", seconds),
    ]


def _store(signals: Signals) -> list[cw.IWidget]:
    return [
        _graph(
            "Posts and texts a minute: remembered, new",
            signals.own("Hits"),
            signals.own("Misses"),
            right=signals.hits(),
        ),
        _graph(
            "Valkey: memory %, hits and misses of keys",
            *signals.store("DatabaseMemoryUsagePercentage"),
            right=[*signals.store("CacheHits", "Sum"), *signals.store("CacheMisses", "Sum")],
        ),
        _graph(
            "Failing around it",
            signals.own("StoreErrors"),
            signals.own("SourceErrors"),
            right=signals.own("QueuedRecords", "Maximum"),
        ),
    ]


def _logs(group: logs.ILogGroup) -> list[cw.IWidget]:
    return [
        cw.LogQueryWidget(
            title="Model of each task",
            log_group_names=[group.log_group_name],
            query_lines=[
                'filter event = "figures"',
                "stats latest(model) as model, latest(@timestamp) as seen by @logStream as task",
                "sort seen desc",
            ],
            width=_WIDTH,
            height=6,
        ),
        cw.LogQueryWidget(
            title="Warnings and errors",
            log_group_names=[group.log_group_name],
            query_lines=[
                "fields @timestamp, level, event, @message",
                'filter level in ["warning", "error", "critical"]',
                "sort @timestamp desc",
                "limit 50",
            ],
            width=24 - _WIDTH,
            height=6,
        ),
    ]


def _graph(
    title: str,
    *metrics: cw.IMetric,
    right: cw.IMetric | list[cw.Metric] | None = None,
    least: float | None = 0,
) -> cw.GraphWidget:
    other = [] if right is None else right if isinstance(right, list) else [right]
    return cw.GraphWidget(
        title=title,
        left=list(metrics),
        right=other,
        left_y_axis=cw.YAxisProps(min=least, show_units=False),
        width=_WIDTH,
        height=6,
    )
