"""One contender's turn: a fresh server, and what is asked of it."""

import random
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from benchmarks.serving import capacity, http, trials
from benchmarks.serving.capacity import IN_TIME, Step
from benchmarks.serving.connections import Server
from benchmarks.serving.contenders import OURS, Contender, Setting
from benchmarks.serving.load import Load, closed_loop
from benchmarks.serving.machine import others_since_now
from benchmarks.serving.offline import offline_throughput
from benchmarks.serving.plan import Plan
from benchmarks.serving.processes import Process, free_port, running
from benchmarks.serving.results import Results, Row
from benchmarks.serving.shots import OK, Shots
from benchmarks.serving.texts import NEW_POST, Texts, popular

T = TypeVar("T")
_CLIENTS, _MANY = 8, 32  # of the closed loops
_LIST = 32  # texts of one request, where lists are asked for
_SETTLED, _LEFT_OVER = 2.0, 2.0  # seconds at most, for what was asked before to be done


@dataclass(slots=True)
class Turn:
    """What a contender is asked, one thing after the other; ``rows`` has what came of it."""

    contender: Contender
    setting: Setting
    plan: Plan
    texts: Texts
    number: int
    server: Server
    process: Process
    earlier: Results
    rows: list[Row] = field(default_factory=list)
    _new: Iterator[str] = field(init=False)
    _known: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with new texts once, for none is new twice."""
        self._new = self.texts.new()
        self._known = self._remembered()

    def ask_texts(self) -> None:
        """New texts in a closed and in an open loop, and the Zipf mix."""
        self.note("memory", at_rest=round(self.process.memory()))
        self._warm_up()
        throughput = self._closed("closed", self.new(), _CLIENTS)
        found = self._search("new", self.new(), 0.7 * throughput)
        self._search("zipf", self.mix(), 1.5 * (found or throughput))

    def ask_cost(self) -> None:
        """What an answer takes of a core, which a busy machine changes least."""
        if self.contender.of_text:
            self._warm_up()
            self._closed("cost of a new text", self.new(), _CLIENTS)
        if self.contender.of_url:
            run(closed_loop(self.server, self._known, _MANY, self.plan.step / 4))
            self._closed("cost of a remembered post", self._known, _MANY)

    def ask_hits(self) -> None:
        """Posts that are remembered, by URL."""
        run(closed_loop(self.server, self._known, _MANY, self.plan.step / 4))
        throughput = self._closed("hits closed", self._known, _MANY)
        self._search("hits", self._known, 0.8 * throughput)
        shots = run(Load(self.server, self._known, 0.7 * throughput, self.plan.closed).fire())
        self.note("hits at 70 %", **shots.figures(IN_TIME))

    def ask_offline(self) -> None:
        """As many texts as the service takes, between two runs without a service."""
        self._warm_up()
        before = offline_throughput(self.setting.weights.bundle.path, self.texts)
        self._closed("one by one", self.new(), _MANY)
        lists = self._closed("in lists", self._lists(), 3)
        after = offline_throughput(self.setting.weights.bundle.path, self.texts)
        self.note("offline", before=before, after=after, texts_in_lists=_LIST * lists)

    def ask_too_much(self) -> None:
        """Three times what it can do."""
        self._warm_up()
        many = self._closed("many", self.new(), _MANY)
        usual = self.earlier.estimate(self.contender.name, "new") or many
        self._settle()
        calm = run(Load(self.server, self.new(), 0.8 * usual, self.plan.long).fire())
        rate, seconds = 3 * max(usual, many), self.plan.overload[0 if self._is_ours else 1]
        memory = self.process.memory
        overload = trials.overload(self.server, self.new(), rate, seconds, 0.8 * usual, memory)
        self.note("overload", **run(overload), p99_at_80=calm.figures(IN_TIME)["p99"])

    def ask_surprises(self) -> None:
        """A crowd and long texts, the latter last, for not everybody is there afterwards."""
        self._warm_up()
        self._crowd()
        usual = self.earlier.estimate(self.contender.name, "new")
        self._long(0.5 * (usual or self._closed("some", self.new(), _CLIENTS)))

    @property
    def _is_ours(self) -> bool:
        return self.contender is OURS

    def first(self) -> bytes:
        """A request that tells whether the server is there."""
        return next(self.new() if self.contender.of_text else self._known)

    def new(self) -> Iterator[bytes]:
        """Requests for texts that nobody asked for before."""
        return map(self._of_text, self._new)

    def mix(self) -> Iterator[bytes]:
        """Requests for popular posts and for others."""
        return (self._of_text(self.texts[number]) for number in popular(self.number))

    @property
    def _of_text(self) -> Callable[[str], bytes]:
        assert self.contender.of_text is not None
        return self.contender.of_text

    def _lists(self) -> Iterator[bytes]:
        while True:
            yield http.post("/v1/sentiment", {"inputs": [next(self._new) for _ in range(_LIST)]})

    def _remembered(self) -> Iterator[bytes]:
        """Requests for posts that are remembered, by URL."""
        assert self.contender.of_url is not None
        draw = random.Random(self.number)
        numbers = list(self.setting.posts)
        requests = [self.contender.of_url(number) for number in numbers]
        while True:
            yield draw.choice(requests)

    def _warm_up(self) -> None:
        run(closed_loop(self.server, self.new(), _CLIENTS, self.plan.step))

    def _closed(self, scenario: str, requests: Iterator[bytes], clients: int) -> float:
        """Ask with so many clients; answers a second."""
        self._settle()
        worked = self.process.worked()
        shots = run(closed_loop(self.server, requests, clients, self.plan.closed))
        spent = 1e3 * (self.process.worked() - worked) / max(1, len(shots.of(OK)))
        self.note(scenario, **shots.figures(IN_TIME), cpu_ms=round(spent, 3))
        return max(shots.goodput(float("inf")), 1.0)

    def _search(self, scenario: str, requests: Iterator[bytes], estimate: float) -> float:
        """Find the capacity; the rate, or 0 if there is none."""

        def fire(rate: float) -> Shots:
            self._settle()
            seconds, seed = self.plan.step, self.number
            return run(Load(self.server, requests, rate, seconds, _LEFT_OVER, seed=seed).fire())

        first = self.earlier.estimate(self.contender.name, scenario) or estimate
        tried = capacity.search(fire, first, self.plan.steps)
        for step in tried:
            self._note_step(scenario, step)
        best = capacity.best(tried)
        return best.rate if best else 0.0

    def _long(self, rate: float) -> None:
        self._settle()
        trial = trials.long_text(self.server, self._of_text, self.new(), rate, self.plan.long)
        self.note("long", **run(trial))

    def _crowd(self) -> None:
        """All want one post: by its URL, from ours, and from the others by its text."""
        self._settle()
        of_url = self.contender.of_url if self._is_ours else None
        asked = of_url(NEW_POST) if of_url else self._of_text("One post for all.")
        crowd = trials.crowd(self.server, asked, self.plan.crowd, counts=self._is_ours)
        self.note("crowd", **run(crowd))

    def _settle(self) -> None:
        """Wait until what was asked before is done."""
        deadline = time.perf_counter() + _SETTLED
        while time.perf_counter() < deadline:
            if run(trials.answers_in_time(self.server, self.first())):
                return

    def _note_step(self, scenario: str, step: Step) -> None:
        figures = step.shots.figures(IN_TIME)
        self.note(scenario, rate=round(step.rate, 2), passed=step.passed, **figures)

    def note(self, scenario: str, **figures: Any) -> None:
        """Keep figures."""
        common = {"contender": self.contender.name, "scenario": scenario, "round": self.number}
        self.rows.append(common | figures)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """On a fast loop, which the generator needs."""
    result: T = uvloop.run(coroutine)
    return result


def take(
    ask: Callable[[Turn], None],
    contender: Contender,
    setting: Setting,
    plan: Plan,
    texts: Texts,
    number: int,
    earlier: Results,
) -> list[Row]:
    """Start the contender, ask it, and stop it.

    Raises:
        NotReadyError: it doesn't start.
    """
    directory = setting.directory / f"{contender.name.replace(' ', '-')}-{time.monotonic_ns()}"
    directory.mkdir()
    port = free_port()
    server = contender.server(port)
    share_of_others = others_since_now()
    with contender.prepare(setting, directory) as more:
        env = contender.variables(setting, port) | dict(more)
        command = contender.command(setting, port)
        with running(command, env, Path(f"{directory}.log")) as process:
            turn = Turn(contender, setting, plan, texts, number, server, process, earlier)
            turn.note("start", s=process.until_answering(server, turn.first()))
            ask(turn)
            turn.note("others", share=round(share_of_others(process.worked()), 3))
            return turn.rows
