"""Fine-tune a Hugging Face encoder on labelled texts. Needs the extra ``train``."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.models.bundle import TOKENIZER
from sentiserve.models.checkpoint import RECIPE
from sentiserve.models.checkpoint_config import CONFIG, check_encoder
from sentiserve.models.checkpoint_tokenizer import load_tokenizer, positions
from sentiserve.models.labelled import Labelled
from sentiserve.models.preprocessing import preprocessing
from sentiserve.models.staging import check_replaceable, replacing

_POOL = 50  # batches that are sorted by length together: little padding, still shuffled
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")  # large ones in parts


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything but the data and the base model that decides the weights."""

    epochs: int = 3
    learning_rate: float = 8e-5
    warmup: float = 0.06  # share of all steps
    weight_decay: float = 0.01
    batch_size: int = 32
    max_tokens: int = 80
    label_smoothing: float = 0.05
    logit_adjustment: float = 1.0
    preprocessing: str = "tweet-v1"
    bf16: bool = False
    seed: int = 2022


@dataclass(frozen=True, slots=True)
class Step:
    """Where the training stands after one optimiser step."""

    number: int
    total: int
    loss: float


def train(
    data: Labelled,
    base: Path,
    out: Path,
    recipe: Recipe = Recipe(),
    on_step: Callable[[Step], object] = lambda _: None,
) -> None:
    """Fine-tune ``base`` on ``data`` and write a Hugging Face directory to ``out``.

    It is written after each epoch, whole or not at all; an earlier one of ours is replaced. A
    head that the base has for another number of labels gives way to a new one.

    The loss is logit-adjusted (Menon et al., 2021, *Long-tail learning via logit
    adjustment*, eq. 10): the log of each label's share is added to its logit while
    training, so that without it the model predicts as if labels were equally common.
    That is what macro-averaged recall asks for.

    Raises:
        BadInputError: the base directory is not a usable encoder, it can't take as many tokens,
            the data are too few, ``out`` holds something else, or the loss left all bounds.
        SentiserveError: ``out`` can't be written, which is tried before the training.
    """
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)  # noqa: S311  # an order, no secret
    labels = sorted(set(data.labels))
    if len(labels) < 2 or len(data.texts) < recipe.batch_size:
        raise BadInputError("training needs at least two labels and one full batch of texts")
    model, tokenizer = _load(base, labels, recipe.max_tokens)
    _check_writable(base, out)
    tokens = _tokenise(tokenizer, data.texts, recipe)
    targets = torch.tensor([labels.index(label) for label in data.labels])
    adjustment = recipe.logit_adjustment * torch.log(targets.bincount() / len(targets))

    per_epoch = -(-len(tokens) // recipe.batch_size)
    total = per_epoch * recipe.epochs
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _linear(total, recipe.warmup))
    model.train()
    number = 0
    for _ in range(recipe.epochs):
        for batch in _batches([len(ids) for ids in tokens], recipe.batch_size, rng):
            inputs = _pad([tokens[i] for i in batch])
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
                logits = model(**inputs).logits
            loss = cross_entropy(
                logits.float() + adjustment,
                targets[batch],
                label_smoothing=recipe.label_smoothing,
            )
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if not torch.isfinite(loss + norm):
                raise BadInputError(
                    f"the loss left all bounds at step {number + 1} of {total}; lower the "
                    f"learning rate, which is {recipe.learning_rate:g} (--learning-rate)"
                )
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            number += 1
            on_step(Step(number, total, loss.item()))
        _save(model, tokenizer, out, recipe)


def _load(base: Path, labels: Sequence[str], max_tokens: int) -> tuple[PreTrainedModel, Tokenizer]:
    transformers_logging.set_verbosity_error()  # that the head is new goes without saying
    transformers_logging.disable_progress_bar()
    check_encoder(base)
    try:
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            base,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            problem_type="single_label_classification",
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            ignore_mismatched_sizes=True,  # of a head for other labels; see below
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises many kinds
        raise BadInputError(f"{base} is not a usable Hugging Face encoder: {error}") from error
    _check_sizes(base, model, loading)
    if max_tokens > (most := positions(base, model)):
        raise BadInputError(
            f"{base} has positions for {most} tokens; {max_tokens} are too many (--max-tokens)"
        )
    return model, load_tokenizer(base, model)


def _check_sizes(base: Path, model: PreTrainedModel, loading: dict[str, Any]) -> None:
    """The encoder's weights are those of the base; only the head may be new."""
    encoder = f"{model.base_model_prefix}."
    for name, found, expected in sorted(loading["mismatched_keys"]):
        if name.startswith(encoder):
            raise BadInputError(
                f"{base} is not a usable Hugging Face encoder: {name} has the shape "
                f"{tuple(found)} where {CONFIG} asks for {tuple(expected)}"
            )


def _tokenise(tokenizer: Tokenizer, texts: Sequence[str], recipe: Recipe) -> list[list[int]]:
    prepare = preprocessing(recipe.preprocessing)
    tokenizer.no_padding()
    tokenizer.enable_truncation(recipe.max_tokens)
    return [e.ids for e in tokenizer.encode_batch([prepare(text) for text in texts])]


def _batches(lengths: Sequence[int], size: int, rng: random.Random) -> Iterator[list[int]]:
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches = []
    for start in range(0, len(order), size * _POOL):
        pool = sorted(order[start : start + size * _POOL], key=lengths.__getitem__)
        batches += [pool[i : i + size] for i in range(0, len(pool), size)]
    rng.shuffle(batches)
    yield from batches


def _pad(batch: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    width = max(len(ids) for ids in batch)
    padded = [[*ids, *[0] * (width - len(ids))] for ids in batch]
    mask = [[1] * len(ids) + [0] * (width - len(ids)) for ids in batch]
    return {"input_ids": torch.tensor(padded), "attention_mask": torch.tensor(mask)}


def _linear(total: int, warmup: float) -> Callable[[int], float]:
    rising = max(1, round(total * warmup))

    def factor(step: int) -> float:
        return min((step + 1) / rising, (total - step) / max(1, total - rising))

    return factor


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SentiserveError(f"{out} cannot be written: {error.strerror or error}") from error
    except SafetensorError as error:  # for want of room, say
        raise SentiserveError(f"{out} cannot be written: {error}") from error


def _check_writable(base: Path, out: Path) -> None:
    if out.resolve() == base.resolve():
        raise BadInputError(f"{out} is the base itself; name another directory")
    with _writing(out):
        check_replaceable(out, _beside_checkpoint)
        out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=out.resolve().parent).close()


def _beside_checkpoint(path: Path) -> set[str]:
    """The names in a directory that ``_save`` has not written."""
    found = {file.name for file in path.iterdir()}
    if not found >= {CONFIG, RECIPE}:
        raise BadInputError(f"{path} is no checkpoint of an earlier training")
    return {name for name in found - {CONFIG, RECIPE, TOKENIZER} if not _WEIGHTS.fullmatch(name)}


def _save(model: PreTrainedModel, tokenizer: Tokenizer, out: Path, recipe: Recipe) -> None:
    tokenizer.no_truncation()
    with _writing(out), replacing(out, _beside_checkpoint) as new:
        model.save_pretrained(new)
        (new / TOKENIZER).write_text(tokenizer.to_str(pretty=True), "utf-8")
        (new / RECIPE).write_text(json.dumps(asdict(recipe), indent=2) + "\n")
