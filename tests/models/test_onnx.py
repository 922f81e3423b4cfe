"""The ONNX Runtime engine, with the model that ships."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from sentiserve.errors import BundleError
from sentiserve.models.bundle import (
    Bundle,
    default_bundle,
    digest,
    open_bundle,
    write_manifest,
)
from sentiserve.models.onnx import OnnxModel
from sentiserve.models.registry import load_model
from sentiserve.protocols import Model
from sentiserve.testing.model import ModelContract
from sentiserve.types import Sentiment

CLEAR = {
    "I love this so much, best day ever!": "positive",
    "Thank you all, what a wonderful surprise": "positive",
    "This is awful, I hate every minute of it": "negative",
    "Worst service I have ever had. Never again.": "negative",
    "The meeting is on Tuesday at 3 pm in room 12": "neutral",
}


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return OnnxModel(open_bundle(default_bundle()), threads=1)


class TestDefaultModel(ModelContract):
    """The model that ships keeps the contract of every model."""

    def make_model(self) -> Model:
        return load_model(default_bundle(), threads=2)


def test_clear_texts_get_the_label_that_anybody_would_give(model: OnnxModel) -> None:
    said = [sentiment.label for sentiment in model.predict(list(CLEAR))]
    assert said == list(CLEAR.values())


@cache
def models() -> tuple[OnnxModel, OnnxModel]:
    bundle = open_bundle(default_bundle())
    return OnnxModel(bundle, threads=1), OnnxModel(bundle, threads=2)


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=200), min_size=1, max_size=12), data=st.data())
def test_a_texts_scores_do_not_depend_on_its_batch(texts: list[str], data: st.DataObject) -> None:
    """Whatever the neighbours, the batch size, the padding, the order and the threads."""
    one, two = models()
    alone = [one.predict([text])[0] for text in texts]
    order = data.draw(st.permutations(range(len(texts))))
    together = two.predict([texts[i] for i in order])
    for position, i in enumerate(order):
        assert together[position] == alone[i]


def test_a_processor_without_vnni_gives_the_same_scores(
    model: OnnxModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.models.onnx.multiplies_exactly", lambda: False)
    careful = OnnxModel(open_bundle(default_bundle()), threads=1)
    texts = [*CLEAR, "NO NO NO " * 40]
    for one, other in zip(model.predict(texts), careful.predict(texts), strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-3)


def test_a_long_text_is_cut_and_says_so(model: OnnxModel) -> None:
    short, long = model.predict(["fine", "fine " * 5_000])
    assert (short.truncated, long.truncated) == (False, True)


def test_the_labels_come_in_the_bundles_order(model: OnnxModel) -> None:
    (sentiment,) = model.predict(["anything"])
    assert isinstance(sentiment, Sentiment)
    assert tuple(sentiment.scores) == model.info.labels


def changed(tmp_path: Path, **files: bytes) -> Bundle:
    """A bundle whose files are changed, with digests that say so."""
    copy = Path(shutil.copytree(default_bundle(), tmp_path / "bundle"))
    for name, raw in files.items():
        (copy / name.replace("_", ".")).write_bytes(raw)
    manifest = open_bundle(default_bundle()).manifest
    digests = {name: digest(copy / name) for name in manifest.files}
    write_manifest(copy, structs.replace(manifest, files=digests))
    return open_bundle(copy)


def test_weights_that_are_no_onnx_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a usable ONNX file"):
        OnnxModel(changed(tmp_path, model_onnx=b"no model"))


def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="tokenizer.json"):
        OnnxModel(changed(tmp_path, tokenizer_json=b"{}"))


def test_a_bundle_without_tokenizer_is_refused(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(default_bundle(), tmp_path / "bundle"))
    manifest = open_bundle(copy).manifest
    files = {name: sha for name, sha in manifest.files.items() if name != "tokenizer.json"}
    (copy / "tokenizer.json").unlink()
    write_manifest(copy, structs.replace(manifest, files=files))
    with pytest.raises(BundleError, match="no digest for tokenizer.json"):
        OnnxModel(open_bundle(copy))


def left_at(home: Path, **env: str) -> tuple[str, set[str]]:
    """What a program that predicts hears of the variable, and the files that it leaves."""
    code = (
        "import os, sentiserve; sentiserve.load_model().predict(['What a lovely day!']); "
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    homes = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=kept | homes | env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip(), {file.name for file in home.rglob("*") if file.is_file()}


def test_the_engine_notes_nothing_of_its_use_and_so_has_nothing_to_send(tmp_path: Path) -> None:
    assert left_at(tmp_path) == ("1", set())


def test_who_wants_the_engine_to_report_may_say_so(tmp_path: Path) -> None:
    said, _ = left_at(tmp_path, ORT_DISABLE_TELEMETRY="")
    assert said == ""
