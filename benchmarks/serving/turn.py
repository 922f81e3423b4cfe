"""One contender's turn: a fresh server, and everything that is asked of it."""

import random
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from benchmarks.serving import capacity, trials
from benchmarks.serving.capacity import IN_TIME, Step
from benchmarks.serving.connections import Server
from benchmarks.serving.contenders import OURS, Contender, Setting
from benchmarks.serving.load import Load, closed_loop
from benchmarks.serving.processes import Process, free_port, running
from benchmarks.serving.shots import Shots
from benchmarks.serving.texts import NEW_POST, Texts, popular

Row = dict[str, Any]
T = TypeVar("T")
_CLIENTS, _MANY = 8, 32  # of the closed loops
_SETTLED, _LEFT_OVER = 2.0, 2.0  # seconds at most, for what was asked before to be done


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes, in seconds where nothing else is said.

    Attributes:
        rounds: turns of each contender.
        step: of one rate that is tried.
        steps: rates that are tried.
        overload: of three times the capacity, ours and the others'.
        crowd: requests for one new post at the same moment.
    """

    rounds: int = 3
    step: float = 3.0
    steps: int = 4
    overload: tuple[float, float] = (60.0, 12.0)
    crowd: int = 1000


FULL = Plan()
QUICK = Plan(rounds=1, step=1.0, steps=3, overload=(3.0, 2.0), crowd=200)


@dataclass(slots=True)
class Turn:
    """What a contender is asked, one thing after the other; ``rows`` has what came of it.

    ``estimates`` are the capacities that earlier turns found, by scenario.
    """

    contender: Contender
    setting: Setting
    plan: Plan
    texts: Texts
    number: int
    server: Server
    process: Process
    estimates: dict[str, float]
    rows: list[Row] = field(default_factory=list)
    _new: Iterator[str] = field(init=False)
    _known: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with new texts once, for none is new twice."""
        self._new = self.texts.new()
        self._known = self._remembered()

    def all(self, *, is_last: bool) -> None:
        """Everything; what can harm the server comes at the end of the last turn."""
        memory = self.process.memory()
        self._note("memory", at_rest=round(memory))
        if self.contender.of_text is None:
            self._hits()
            return
        run(closed_loop(self.server, self.new(), 1, 0.5))
        throughput = self._closed("closed", self.new(), _CLIENTS)
        found = self._search("new", self.new(), 0.7 * throughput)
        self._search("zipf", self.mix(), 1.5 * (found or throughput))
        if self.contender.of_url:
            self._hits()
        if is_last:
            usual = found or throughput
            self._overload(usual, max(found, self._closed("many", self.new(), _MANY)))
            self._crowd()
            self._long(0.5 * usual)  # the last, for not everybody is there afterwards

    @property
    def _is_ours(self) -> bool:
        return self.contender is OURS

    def first(self) -> bytes:
        """A request that tells whether the server is there."""
        return next(self.new() if self.contender.of_text else self._known)

    def new(self) -> Iterator[bytes]:
        """Requests for texts that nobody asked for before."""
        assert self.contender.of_text is not None
        return map(self.contender.of_text, self._new)

    def mix(self) -> Iterator[bytes]:
        """Requests for popular posts and for others."""
        assert self.contender.of_text is not None
        numbers = popular(self.number)
        return (self.contender.of_text(self.texts[number]) for number in numbers)

    def _remembered(self) -> Iterator[bytes]:
        """Requests for posts that are remembered, by URL."""
        assert self.contender.of_url is not None
        draw = random.Random(self.number)
        numbers = list(self.setting.posts)
        requests = [self.contender.of_url(number) for number in numbers]
        while True:
            yield draw.choice(requests)

    def _closed(self, scenario: str, requests: Iterator[bytes], clients: int) -> float:
        """Ask with so many clients; answers a second."""
        shots = run(closed_loop(self.server, requests, clients, self.plan.step))
        self._note(scenario, **shots.figures(IN_TIME))
        return max(shots.goodput(float("inf")), 1.0)

    def _search(self, scenario: str, requests: Iterator[bytes], estimate: float) -> float:
        """Find the capacity; the rate, or 0 if there is none."""

        def fire(rate: float) -> Shots:
            self._settle()
            seconds, seed = self.plan.step, self.number
            return run(Load(self.server, requests, rate, seconds, _LEFT_OVER, seed=seed).fire())

        tried = capacity.search(fire, self.estimates.get(scenario, estimate), self.plan.steps)
        for step in tried:
            self._note_step(scenario, step)
        best = capacity.best(tried)
        if best:
            self.estimates[scenario] = best.rate
        return best.rate if best else 0.0

    def _hits(self) -> None:
        throughput = self._closed("hits closed", self._known, _MANY)
        found = self._search("hits", self._known, 0.8 * throughput)
        rate = 0.7 * (found or throughput)
        shots = run(Load(self.server, self._known, rate, self.plan.step).fire())
        self._note("hits at 70 %", **shots.figures(IN_TIME))

    def _long(self, rate: float) -> None:
        assert self.contender.of_text is not None
        self._settle()
        seconds, of_text = 2 * self.plan.step, self.contender.of_text
        self._note("long", **run(trials.long_text(self.server, of_text, self.new(), rate, seconds)))

    def _crowd(self) -> None:
        """All want one post: by its URL, from ours, and from the others by its text."""
        of_text, of_url = self.contender.of_text, self.contender.of_url
        assert of_text is not None
        self._settle()
        asked = of_url(NEW_POST) if self._is_ours and of_url else of_text("One post for all.")
        crowd = trials.crowd(self.server, asked, self.plan.crowd, counts=self._is_ours)
        self._note("crowd", **run(crowd))

    def _overload(self, usual: float, most: float) -> None:
        self._settle()
        calm = run(Load(self.server, self.new(), 0.8 * usual, 2 * self.plan.step).fire())
        before = self.process.memory()
        seconds = self.plan.overload[0 if self._is_ours else 1]
        overload = trials.overload(self.server, self.new(), 3 * most, seconds)
        self._note(
            "overload",
            **run(overload),
            p99_at_80=calm.figures(IN_TIME)["p99"],
            memory_before=round(before),
            memory_after=round(self.process.memory()),
        )

    def _settle(self) -> None:
        """Wait until what was asked before is done."""
        deadline = time.perf_counter() + _SETTLED
        while time.perf_counter() < deadline:
            if run(trials.answers_in_time(self.server, self.first())):
                return

    def _note_step(self, scenario: str, step: Step) -> None:
        figures = step.shots.figures(IN_TIME)
        self._note(scenario, rate=round(step.rate, 2), passed=step.passed, **figures)

    def _note(self, scenario: str, **figures: Any) -> None:
        common = {"contender": self.contender.name, "scenario": scenario, "round": self.number}
        self.rows.append(common | figures)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """On a fast loop, which the generator needs."""
    result: T = uvloop.run(coroutine)
    return result


def take(
    contender: Contender,
    setting: Setting,
    plan: Plan,
    texts: Texts,
    number: int,
    estimates: dict[str, float],
) -> list[Row]:
    """Start the contender, ask it everything, and stop it.

    Raises:
        NotReadyError: it doesn't start.
    """
    name = contender.name.replace(" ", "-")
    directory = setting.directory / f"{name}-{number}"
    directory.mkdir()
    port = free_port()
    server = contender.server(port)
    with contender.prepare(setting, directory) as more:
        env = contender.variables(setting, port) | dict(more)
        command = contender.command(setting, port)
        with running(command, env, Path(f"{directory}.log")) as process:
            turn = Turn(contender, setting, plan, texts, number, server, process, estimates)
            first = turn.first()
            start = process.until_answering(server, first)
            turn.rows.append(
                {"contender": contender.name, "scenario": "start", "round": number, "s": start}
            )
            turn.all(is_last=number == plan.rounds)
            return turn.rows
