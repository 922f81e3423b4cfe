"""The parts in which everything is asked; in each, one contender comes right after the other."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.serving.contenders import OURS, Contender
from benchmarks.serving.plan import Plan
from benchmarks.serving.turn import Turn


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is asked.

    Attributes:
        ask: asks it.
        concerns: who takes part.
        rounds: how often.
    """

    ask: Callable[[Turn], None]
    concerns: Callable[[Contender], bool]
    rounds: Callable[[Plan], int]


def _takes_texts(contender: Contender) -> bool:
    return contender.of_text is not None


def _takes_urls(contender: Contender) -> bool:
    return contender.of_url is not None


def _is_ours(contender: Contender) -> bool:
    return contender is OURS


def _takes_texts_too(contender: Contender) -> bool:
    return _takes_texts(contender) and not _is_ours(contender)


def _each(plan: Plan) -> int:
    return plan.rounds


def _once(_: Plan) -> int:
    return 1


PARTS = {
    "texts": Part(Turn.ask_texts, _takes_texts, _each),
    "hits": Part(Turn.ask_hits, _takes_urls, _each),
    "cost": Part(Turn.ask_cost, lambda _: True, _each),
    "offline": Part(Turn.ask_offline, _is_ours, _each),
    "overload": Part(Turn.ask_too_much, _is_ours, _once),
    "surprises": Part(Turn.ask_surprises, _is_ours, _once),
    "overload of others": Part(Turn.ask_too_much, _takes_texts_too, _once),
    "surprises to others": Part(Turn.ask_surprises, _takes_texts_too, _once),
}
