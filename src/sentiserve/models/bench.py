"""Bundles side by side on this machine: speed, size, agreement and quality."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import Bundle, open_bundle
from sentiserve.models.classifier import Classifier
from sentiserve.models.evaluation import evaluate, true_labels
from sentiserve.models.labelled import Labelled
from sentiserve.models.memory import added_memory
from sentiserve.models.registry import load_model
from sentiserve.models.turns import take_turns
from sentiserve.protocols import Model
from sentiserve.types import Sentiment

OnProgress = Callable[[str, int, int], object]  # what is measured, steps done, of how many
_MEGABYTE = 1_000_000
_INT8 = "onnx-int8"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long.

    Attributes:
        texts: all are predicted once, for agreement and quality.
        truth: the same texts with their labels, if these are known.
        timed: how many of the texts are timed, evenly taken from all of them.
        batch: texts of one call where throughput is measured.
        rounds: how often each input is timed.
        threads: of one run; 0 takes every core.
        matmul: also time the int8 matrix products alone.
    """

    texts: Sequence[str]
    truth: Labelled | None = None
    timed: int = 128
    batch: int = 32
    rounds: int = 3
    threads: int = 0
    matmul: bool = False

    @property
    def singles(self) -> list[tuple[str]]:
        """The texts that are timed, one by one."""
        count = min(self.timed, len(self.texts))
        return [(self.texts[i * len(self.texts) // count],) for i in range(count)]

    @property
    def batches(self) -> list[tuple[str, ...]]:
        """The same texts in batches of like length."""
        texts = sorted((text for (text,) in self.singles), key=len)
        return [tuple(texts[i : i + self.batch]) for i in range(0, len(texts), self.batch)]


@dataclass(frozen=True, slots=True)
class Result:
    """What was found for one bundle; ratios, agreement and difference are to the first one.

    Attributes:
        model: the model id.
        median_ms: of one text alone, tokenising included.
        texts_per_second: in batches.
        latency_ratio: how many times as fast one text is; the median over all pairs of runs.
        throughput_ratio: how many times as fast batches are; the median over the rounds.
        disk_mb: the whole bundle, in 10^6 bytes.
        memory_mb: what it adds to a process; None where the system doesn't tell.
        equal_labels: share of the texts, in percent.
        largest_difference: of any score, on any text.
        macro_recall: None without the truth, and where it lacks a label.
        matmul_share: the time of the int8 products alone, as a share of the batches' time; above
            1 where a model is so small that calling them one by one takes longer than it does.
    """

    name: str
    format: str
    model: str
    median_ms: float
    p99_ms: float
    latency_ratio: float
    texts_per_second: float
    throughput_ratio: float
    disk_mb: float
    memory_mb: float | None
    equal_labels: float
    largest_difference: float
    macro_recall: float | None
    calibration_error: float | None
    matmul_share: float | None


@dataclass(frozen=True, slots=True)
class _Contender:
    name: str
    bundle: Bundle
    model: Model
    said: list[Sentiment]
    memory: int | None


@dataclass(frozen=True, slots=True)
class _Speed:
    median_ms: float
    p99_ms: float
    latency_ratio: float
    texts_per_second: float
    throughput_ratio: float


def machine() -> str:
    """The cores that this process may use, and their architecture."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return f"{cores} core{'s' if cores > 1 else ''}, {platform.machine()}"


def bench(
    bundles: Sequence[tuple[str, Path]],
    plan: Plan,
    on_progress: OnProgress = lambda _what, _done, _total: None,
) -> list[Result]:
    """Measure bundles against the first of them, in turns.

    Args:
        bundles: the name to show and the directory of each.
        plan: what is measured.
        on_progress: told what is measured now, and how far it is.

    Raises:
        BundleError: one is not whole.
        BadInputError: the bundles' labels differ, the truth has one that they don't, or there
            are no int8 products to time.
        ModelError: a model failed.
    """
    contenders = _load(bundles, plan, on_progress)
    speeds = _speeds(contenders, plan, on_progress)
    return [
        _result(
            contender,
            contenders[0],
            speed,
            plan.truth,
            _matmul_share(contender, plan, on_progress) if plan.matmul else None,
        )
        for contender, speed in zip(contenders, speeds, strict=True)
    ]


def _load(
    bundles: Sequence[tuple[str, Path]], plan: Plan, on_progress: OnProgress
) -> list[_Contender]:
    opened = [(name, open_bundle(path)) for name, path in bundles]
    _same_labels(opened, plan.truth)
    if plan.matmul and all(bundle.manifest.format != _INT8 for _, bundle in opened):
        raise BadInputError(f"none of these bundles is {_INT8}: there are no products to time")
    contenders = []
    for done, (name, bundle) in enumerate(opened):
        on_progress("memory and agreement", done, len(opened))
        memory = added_memory(bundle.path, plan.batches[-1], plan.threads)
        model = load_model(bundle.path, plan.threads)
        said = list(model.predict(plan.texts))
        contenders.append(_Contender(name, bundle, model, said, memory))
    on_progress("memory and agreement", len(opened), len(opened))
    return contenders


def _same_labels(opened: Sequence[tuple[str, Bundle]], truth: Labelled | None) -> None:
    (first, reference), *others = opened
    if truth:
        true_labels(reference.manifest.labels, truth)
    for name, bundle in others:
        if set(bundle.manifest.labels) != set(reference.manifest.labels):
            raise BadInputError(
                f"the labels of {name} are {', '.join(bundle.manifest.labels)}; those of {first} "
                f"are {', '.join(reference.manifest.labels)}: name bundles with the same labels"
            )


def _speeds(contenders: Sequence[_Contender], plan: Plan, on_progress: OnProgress) -> list[_Speed]:
    runs = [contender.model.predict for contender in contenders]
    singles = take_turns(runs, plan.singles, plan.rounds, partial(on_progress, "one text"))
    batches = take_turns(runs, plan.batches, plan.rounds, partial(on_progress, "batches"))
    rounds = batches.sum(axis=2)
    return [
        _Speed(
            median_ms=float(np.median(singles[i])) * 1e3,
            p99_ms=float(np.percentile(singles[i], 99)) * 1e3,
            latency_ratio=float(np.median(singles[0] / singles[i])),
            texts_per_second=len(plan.singles) / float(np.median(rounds[i])),
            throughput_ratio=float(np.median(rounds[0] / rounds[i])),
        )
        for i in range(len(contenders))
    ]


def _result(
    contender: _Contender,
    first: _Contender,
    speed: _Speed,
    truth: Labelled | None,
    matmul_share: float | None,
) -> Result:
    info = contender.model.info
    quality = evaluate(info.labels, truth, contender.said) if truth else None
    return Result(
        name=contender.name,
        format=info.format,
        model=info.id,
        **asdict(speed),
        disk_mb=_size(contender.bundle) / _MEGABYTE,
        memory_mb=None if contender.memory is None else contender.memory / _MEGABYTE,
        equal_labels=100 * _agreement(contender.said, first.said),
        largest_difference=_largest_difference(contender.said, first.said),
        macro_recall=quality.macro_recall if quality else None,
        calibration_error=quality.calibration_error if quality else None,
        matmul_share=matmul_share,
    )


def _size(bundle: Bundle) -> int:
    return sum(file.stat().st_size for file in bundle.path.iterdir())


def _agreement(said: Sequence[Sentiment], reference: Sequence[Sentiment]) -> float:
    return float(np.mean([a.label == b.label for a, b in zip(said, reference, strict=True)]))


def _largest_difference(said: Sequence[Sentiment], reference: Sequence[Sentiment]) -> float:
    return max(
        abs(score - b.scores[label])
        for a, b in zip(said, reference, strict=True)
        for label, score in a.scores.items()
    )


def _matmul_share(contender: _Contender, plan: Plan, on_progress: OnProgress) -> float | None:
    """The int8 products alone against the model, in turns; None for another kind of model."""
    model = contender.model
    if contender.bundle.manifest.format != _INT8 or not isinstance(model, Classifier):
        return None
    from sentiserve.models.bare_products import Products

    products = Products(contender.bundle.weights, plan.threads)
    if not products.counts:
        return None
    shapes = {batch: model.shapes(batch) for batch in plan.batches}
    alone, whole = take_turns(
        [lambda batch: products.run(shapes[batch]), model.predict],
        plan.batches,
        plan.rounds,
        partial(on_progress, "matrix products"),
    ).sum(axis=2)
    return float(np.median(alone / whole))
