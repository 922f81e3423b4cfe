"""How many tasks there are."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs

from deploy.aws.entrance import Entrance
from deploy.aws.profiles import Profile
from deploy.aws.signals import Signals

_CPU = 60  # percent
_REQUESTS = 50  # a second, for each virtual CPU: remembered answers cost little
_QUEUED = 8  # texts for each task; about half of what makes it refuse some


def scale(
    service: ecs.FargateService, profile: Profile, entrance: Entrance, signals: Signals
) -> None:
    """Add tasks when any of three is too high, remove them slowly when all are low."""
    least, most = profile.tasks
    tasks = service.auto_scale_task_count(min_capacity=least, max_capacity=most)
    slowly, fast = Duration.minutes(5), Duration.minutes(1)
    tasks.scale_on_cpu_utilization(
        "Cpu", target_utilization_percent=_CPU, scale_in_cooldown=slowly, scale_out_cooldown=fast
    )
    tasks.scale_on_request_count(
        "Requests",
        target_group=entrance.targets,
        requests_per_target=60 * _REQUESTS * profile.cpu // 1024,
        scale_in_cooldown=slowly,
        scale_out_cooldown=fast,
    )
    tasks.scale_to_track_custom_metric(
        "Queued",
        metric=signals.own("QueuedTexts", "Average"),
        target_value=_QUEUED,
        scale_in_cooldown=slowly,
        scale_out_cooldown=fast,
    )
