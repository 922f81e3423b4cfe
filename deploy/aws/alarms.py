"""What somebody is told of, and what takes a deployment back."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from deploy.aws.profiles import OBJECTIVE, Profile
from deploy.aws.signals import Signals

_BUDGET = 100 - OBJECTIVE
_MINUTE, _HOUR = Duration.minutes(1), Duration.hours(1)
# How many times as fast as 30 days allow, seen over a long window, and over a short one, by which
# the alarm ends soon after the trouble. Google's Site Reliability Workbook, chapter 5.
_BURNS = {
    "Fast": (14.4, _HOUR, Duration.minutes(5)),  # 2 % of the budget in an hour
    "Slow": (6.0, Duration.hours(6), Duration.minutes(30)),  # 5 % in six hours
}


class Alarms(Construct):
    """The alarms of one service; ``rollback`` are those that a deployment must not set off."""

    def __init__(
        self, scope: Construct, profile: Profile, signals: Signals, topic: sns.ITopic
    ) -> None:
        """Create them, with the topic that they tell."""
        super().__init__(scope, "Alarms")
        self._tell = actions.SnsAction(topic)
        self.rollback = [
            self._alarm("Failing", signals.failures(), 5, "more than 5 % of requests fail"),
            self._alarm("Slow", signals.seconds("p90"), 2, "one of ten answers takes over 2 s"),
        ]
        self.others = [
            *(self._burn(speed, signals) for speed in _BURNS),
            *self._of_tasks(profile, signals),
            *self._of_store(signals),
        ]

    @property
    def all(self) -> Sequence[cw.IAlarm]:
        """All that tell somebody."""
        return [*self.rollback, *self.others]

    def _of_tasks(self, profile: Profile, signals: Signals) -> list[cw.AlarmBase]:
        cpu, memory = signals.ecs("CPUUtilization"), signals.ecs("MemoryUtilization")
        silent = signals.own("QueuedTexts", "SampleCount")
        running, most = signals.running(), profile.tasks[1]
        return [
            self._alarm("Cpu", cpu, 85, "tasks are short of CPU", minutes=10),
            self._alarm("Memory", memory, 85, "tasks are short of memory", minutes=10),
            self._alarm("Most", running, most - 1, "there are as many tasks as may be", minutes=15),
            self._alarm("Unhealthy", signals.unhealthy(), 0, "a task is not ready", minutes=5),
            self._alarm(
                "Refusing", signals.own("Refused"), 10, "texts are refused for want of room"
            ),
            self._alarm("Model", signals.own("Failed"), 0, "the model fails on texts"),
            self._alarm(
                "Silent",
                silent,
                1,
                "the service writes no figures, so alarms on them see nothing",
                minutes=10,
                when=cw.ComparisonOperator.LESS_THAN_THRESHOLD,
                unknown=cw.TreatMissingData.BREACHING,
            ),
        ]

    def _of_store(self, signals: Signals) -> list[cw.AlarmBase]:
        hits = signals.hits(_HOUR, enough=1000)
        full = _most(signals.store("DatabaseMemoryUsagePercentage"))
        evicted = _most(signals.store("Evictions", "Sum"))
        store = signals.own("StoreErrors")
        below = cw.ComparisonOperator.LESS_THAN_THRESHOLD
        return [
            self._alarm("Hits", hits, 20, "few posts are remembered", minutes=1, when=below),
            self._alarm("StoreErrors", store, 10, "the store fails; answers go on", minutes=5),
            self._alarm("StoreFull", full, 80, "the store is nearly full", minutes=15),
            self._alarm("Evictions", evicted, 0, "the store forgets before the time", minutes=15),
        ]

    def _burn(self, speed: str, signals: Signals) -> cw.AlarmBase:
        times, *windows = _BURNS[speed]
        each = [
            self._alarm(
                f"{speed}Burn{window.to_minutes()}",
                signals.failures(window),
                round(times * _BUDGET, 3),
                f"the last {window.to_minutes()} minutes",
                minutes=1,
                tell=False,
            )
            for window in windows
        ]
        burn = cw.CompositeAlarm(
            self,
            f"{speed}Burn",
            alarm_description=f"failures use up the budget of 30 days {times:g} times too fast",
            alarm_rule=cw.AlarmRule.all_of(*each),
        )
        burn.add_alarm_action(self._tell)
        return burn

    def _alarm(
        self,
        name: str,
        metric: cw.IMetric,
        threshold: float,
        description: str,
        *,
        minutes: int = 3,
        when: cw.ComparisonOperator = cw.ComparisonOperator.GREATER_THAN_THRESHOLD,
        unknown: cw.TreatMissingData = cw.TreatMissingData.NOT_BREACHING,
        tell: bool = True,
    ) -> cw.Alarm:
        alarm = cw.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=minutes,
            alarm_description=description,
            comparison_operator=when,
            treat_missing_data=unknown,
        )
        if tell:
            alarm.add_alarm_action(self._tell)
        return alarm


def _most(metrics: Sequence[cw.Metric]) -> cw.IMetric:
    if len(metrics) == 1:
        return metrics[0]
    named = {f"node{number}": metric for number, metric in enumerate(metrics, 1)}
    return cw.MathExpression(
        expression=f"MAX([{', '.join(named)}])", using_metrics=named, period=_MINUTE
    )
