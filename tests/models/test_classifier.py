"""What the engines share, under an engine that keeps what it is given."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from checkpoints import Exports
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from sentiserve.errors import ModelError
from sentiserve.models.bundle import (
    TOKENIZER,
    default_bundle,
    digest,
    open_bundle,
    record_temperature,
    write_manifest,
)
from sentiserve.models.classifier import Classifier

Ids = NDArray[np.int64]


class Keeping(Classifier):
    """Gives the logits that it was told to, and keeps what it was asked."""

    def __init__(self, path: Path, *logits: float) -> None:
        super().__init__(open_bundle(path))
        self.asked: list[tuple[Ids, Ids]] = []
        self._answer = logits or (0.0, 1.0, 2.0)

    def _logits(self, ids: Ids, mask: Ids) -> NDArray[np.floating]:
        self.asked.append((ids, mask))
        return np.tile(np.array(self._answer), (len(ids), 1))


def test_texts_are_padded_with_the_models_own_token_and_masked(exported: Exports) -> None:
    """RoBERTa counts its positions by the tokens that are not padding, whose id is 1."""
    model = Keeping(exported("roberta", "torchscript"))
    model.predict(["a", "a much longer text"])
    ((ids, mask),) = model.asked
    lengths = mask.sum(axis=1)
    assert lengths[0] < lengths[1] == ids.shape[1]
    for row, length in enumerate(lengths):
        assert mask[row, :length].all()
        assert (ids[row, 0], ids[row, length - 1]) == (0, 2)
        assert (ids[row, length:] == 1).all()


def test_a_tokenizer_that_names_no_padding_gets_zeros() -> None:
    model = Keeping(default_bundle())
    model.predict(["a", "a much longer text"])
    ((ids, mask),) = model.asked
    assert (ids[mask == 0] == 0).all()
    assert ids[mask == 1].all()


def test_scores_are_the_softmax_of_the_logits_however_large() -> None:
    (sentiment,) = Keeping(default_bundle(), 1000.0, 1000.0, -1000.0).predict(["text"])
    assert list(sentiment.scores.values()) == [0.5, 0.5, 0.0]


def test_a_temperature_divides_the_logits_and_keeps_the_label(bundle: Path) -> None:
    (plain,) = Keeping(bundle, 0.0, 3.0, 6.0).predict(["text"])
    record_temperature(open_bundle(bundle), 3.0)
    (cooled,) = Keeping(bundle, 0.0, 3.0, 6.0).predict(["text"])
    powers = np.exp([0.0, 1.0, 2.0])
    assert list(cooled.scores.values()) == pytest.approx(powers / powers.sum(), abs=1e-6)
    assert cooled.label == plain.label


def test_many_texts_are_run_in_batches_of_like_length_and_answered_in_order() -> None:
    model = Keeping(default_bundle())
    texts = ["word " * (1 + 37 * i % 100) for i in range(60)]
    assert len(model.predict(texts)) == len(texts)
    widths = [ids.shape[1] for ids, _ in model.asked]
    assert len(widths) > 1
    assert widths == sorted(widths)
    assert all(ids.size <= 256 for ids, _ in model.asked)


@pytest.mark.parametrize("logits", [(0.0, float("nan"), 1.0), (0.0, 1.0)])
def test_an_engine_that_gives_nonsense_is_a_models_error(logits: tuple[float, ...]) -> None:
    with pytest.raises(ModelError):
        Keeping(default_bundle(), *logits).predict(["text"])


def test_a_tokenizer_that_fails_is_a_models_error(bundle: Path) -> None:
    """This one has no token for words that it doesn't know, and notices when it meets one."""
    manifest = open_bundle(bundle).manifest
    Tokenizer(WordLevel({"fine": 0})).save(str(bundle / TOKENIZER))
    files = manifest.files | {TOKENIZER: digest(bundle / TOKENIZER)}
    write_manifest(bundle, msgspec.structs.replace(manifest, files=files))
    model = Keeping(bundle)
    for ask in (model.predict, model.logits, model.shapes):
        with pytest.raises(ModelError, match=r"the tokenizer failed on a batch of 1: .*\[UNK\]"):
            ask(["unheard"])
