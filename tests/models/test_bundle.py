"""A bundle is whole and unchanged, or refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentiserve.errors import BundleError
from sentiserve.models.bundle import (
    MANIFEST,
    Manifest,
    default_bundle,
    open_bundle,
    record_quality,
    record_temperature,
    write_manifest,
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the default bundle, to be damaged."""
    return Path(shutil.copytree(default_bundle(), tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = msgspec.json.decode((bundle / MANIFEST).read_bytes())
    change(manifest)
    (bundle / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def model_id(bundle: Path) -> str:
    return open_bundle(bundle).manifest.model_id


def test_the_default_bundle_is_whole_and_small() -> None:
    bundle = open_bundle(default_bundle())
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= 25_000_000


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "README.md"])
def test_a_flipped_byte_is_found_in_any_file(copy: Path, name: str) -> None:
    raw = bytearray((copy / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / name).write_bytes(raw)
    with pytest.raises(BundleError, match=f"{name} is not the file"):
        open_bundle(copy)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "README.md"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        open_bundle(copy)


def test_a_directory_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no model bundle"):
        open_bundle(tmp_path)
    with pytest.raises(BundleError, match="is no model bundle"):
        open_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("labels"),
        lambda m: m.update(labels=["only one"]),
        lambda m: m.update(labels=["twice", "twice"]),
        lambda m: m.update(max_tokens="many"),
        lambda m: m.update(max_tokens=0),
        lambda m: m.update(preprocessing="unheard-of"),
        lambda m: m.update(surprise=True),
        lambda m: m.update(weights="other.onnx"),
        lambda m: m.update(temperature=0),
        lambda m: m.update(temperature=-1.5),
        lambda m: m.update(temperature=20.1),
        lambda m: m.update(temperature=0.04),
        lambda m: m.update(temperature="warm"),
        lambda m: m["files"].pop("model.onnx"),
        lambda m: m["files"].update({"../../etc/passwd": "0" * 64}),
        lambda m: m["files"].update({"model.onnx": "not a digest"}),
    ],
)
def test_a_malformed_manifest_is_refused(
    copy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(copy, change)
    with pytest.raises(BundleError):
        open_bundle(copy)


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff", b" " * (1 << 21)])
def test_a_manifest_that_is_no_json_is_refused(copy: Path, raw: bytes) -> None:
    (copy / MANIFEST).write_bytes(raw)
    with pytest.raises(BundleError):
        open_bundle(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(max_tokens=64),
        lambda m: m.update(preprocessing="none"),
        lambda m: m.update(labels=["a", "b", "c"]),
        lambda m: m.update(labels=list(reversed(m["labels"]))),
        lambda m: m.update(temperature=1.3),
    ],
)
def test_whatever_decides_a_prediction_changes_the_model_id(
    copy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    before = model_id(copy)
    edit(copy, change)
    assert model_id(copy) != before


def test_what_decides_no_prediction_leaves_the_model_id(copy: Path) -> None:
    before = model_id(copy)
    edit(copy, lambda m: m.update(name="other", revision="9", licence="MIT"))
    record_quality(open_bundle(copy), {"accuracy": 0.5})
    assert model_id(copy) == before
    assert open_bundle(copy).manifest.quality == {"accuracy": 0.5}


def test_a_temperature_makes_another_model_of_which_nothing_is_measured(copy: Path) -> None:
    before = open_bundle(copy)
    manifest = record_temperature(before, 1.3)
    assert open_bundle(copy).manifest == manifest
    assert manifest.info.temperature == 1.3
    assert manifest.model_id != before.manifest.model_id
    assert before.manifest.quality
    assert not manifest.quality


def test_a_manifest_that_cannot_be_written_stays_as_it_was(copy: Path) -> None:
    bundle, before = open_bundle(copy), (copy / MANIFEST).read_bytes()
    (copy / f".{MANIFEST}.new").mkdir()
    with pytest.raises(BundleError, match="cannot be written"):
        record_temperature(bundle, 1.3)
    assert (copy / MANIFEST).read_bytes() == before


def test_a_manifest_is_written_as_it_is_read(tmp_path: Path) -> None:
    manifest = open_bundle(default_bundle()).manifest
    write_manifest(tmp_path, manifest)
    assert msgspec.json.decode((tmp_path / MANIFEST).read_bytes(), type=Manifest) == manifest


def test_a_file_that_the_manifest_does_not_list_is_refused(copy: Path) -> None:
    (copy / "hidden.bin").write_bytes(b"weights that no digest covers")
    with pytest.raises(BundleError, match="hidden.bin"):
        open_bundle(copy)


def test_a_temperature_of_one_is_the_same_model_as_none(copy: Path) -> None:
    edit(copy, lambda m: m.pop("temperature"))
    before = model_id(copy)
    edit(copy, lambda m: m.update(temperature=1))
    assert model_id(copy) == before


def test_a_draft_that_a_killed_process_left_spoils_nothing(copy: Path) -> None:
    (copy / f".{MANIFEST}.new").write_bytes(b"{")
    record_quality(open_bundle(copy), {"accuracy": 0.5})
    assert open_bundle(copy).manifest.quality == {"accuracy": 0.5}
