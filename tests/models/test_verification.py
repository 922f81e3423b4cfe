"""An export is compared with its checkpoint, and refused where it differs."""

import numpy as np
import pytest
from checkpoints import Checkpoints, Exports
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import open_bundle
from sentiserve.models.checkpoint import load_checkpoint
from sentiserve.models.torchscript import TorchScriptModel
from sentiserve.models.verification import verify

Ids = NDArray[np.int64]


class SeeingPadding(TorchScriptModel):
    """Pays attention to what it should not."""

    def _logits(self, ids: Ids, mask: Ids) -> NDArray[np.floating]:
        return super()._logits(ids, np.ones_like(mask))


class PaddedOnTheLeft(TorchScriptModel):
    """Has every text begin where the longest one does not."""

    def _logits(self, ids: Ids, mask: Ids) -> NDArray[np.floating]:
        moved = [np.roll(row, int((of == 0).sum())) for row, of in zip(ids, mask, strict=True)]
        return super()._logits(np.stack(moved), np.sort(mask, axis=1))


class Rough(TorchScriptModel):
    """Is off by a little."""

    def _logits(self, ids: Ids, mask: Ids) -> NDArray[np.floating]:
        return super()._logits(ids, mask) + 0.01


class Contrary(TorchScriptModel):
    """Is near, where much is allowed, and says the opposite."""

    def _logits(self, ids: Ids, mask: Ids) -> NDArray[np.floating]:
        return -super()._logits(ids, mask)


def test_another_label_in_a_clear_case_is_refused_whatever_the_tolerance(
    checkpoint: Checkpoints, exported: Exports
) -> None:
    model = Contrary(open_bundle(exported("bert", "torchscript")), trusted=True)
    with pytest.raises(BadInputError, match="label of a text that is a clear case"):
        verify(model, load_checkpoint(checkpoint("bert")), tolerance=10)


def test_a_faithful_export_passes(checkpoint: Checkpoints, exported: Exports) -> None:
    bundle = open_bundle(exported("bert", "torchscript"))
    verify(TorchScriptModel(bundle, trusted=True), load_checkpoint(checkpoint("bert")), 1e-4)


@pytest.mark.parametrize("engine", [SeeingPadding, PaddedOnTheLeft, Rough])
def test_an_export_that_says_other_things_is_refused(
    checkpoint: Checkpoints, exported: Exports, engine: type[TorchScriptModel]
) -> None:
    bundle = open_bundle(exported("bert", "torchscript"))
    loaded = load_checkpoint(checkpoint("bert"))
    with pytest.raises(BadInputError, match=r"checkpoint: a logit by .*, and 0\.0\d* is allowed"):
        verify(engine(bundle, trusted=True), loaded, 1e-4)
