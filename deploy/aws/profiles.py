"""What a deployment may look like."""

from dataclasses import dataclass, replace

OBJECTIVE = 99.9  # percent of requests in 30 days that are not answered by 5xx


@dataclass(frozen=True)
class Profile:
    """The sizes and choices of one deployment.

    Attributes:
        cpu: of a task, in 1/1024 of a virtual CPU.
        memory: of a task, in MiB.
        tasks: at least, and at most.
        on_spot: tasks on Spot, for each further one that isn't, beyond the least number.
        nodes: of Valkey; with two, one takes over when the other fails.
        private: whether tasks are in subnets that nothing outside reaches, or in public ones,
            which need no NAT gateway.
        internet: whether tasks reach the platforms that posts are on.
        tls: whether the load balancer has a certificate.
        insights: whether CloudWatch has metrics of its Container Insights, the number of tasks
            that are wanted among them; some $9 a month.
    """

    name: str
    cpu: int
    memory: int
    tasks: tuple[int, int]
    on_spot: int
    nodes: int
    private: bool
    internet: bool
    tls: bool
    insights: bool

    @property
    def sources(self) -> str:
        """Where posts come from; without the internet, texts alone have answers."""
        return "oembed,bluesky,mastodon" if self.internet else "archive"


DEMO = Profile(
    name="demo",
    cpu=256,
    memory=512,
    tasks=(1, 2),
    on_spot=4,
    nodes=1,
    private=False,
    internet=True,
    tls=False,
    insights=False,
)
PROD = Profile(
    name="prod",
    cpu=1024,
    memory=2048,
    tasks=(2, 10),
    on_spot=3,
    nodes=2,
    private=True,
    internet=True,
    tls=True,
    insights=True,
)
CLOSED = replace(PROD, name="closed", internet=False)

PROFILES = {profile.name: profile for profile in (DEMO, PROD, CLOSED)}
