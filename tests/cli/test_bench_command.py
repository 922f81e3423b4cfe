"""``sentiserve model bench``: a table, JSON and a picture, with the model that ships."""

import json
from pathlib import Path

import pytest
from msgspec import structs
from processes import Run

from sentiserve.models.bundle import default_bundle, open_bundle, write_manifest

QUICK = ("--texts", "2", "--rounds", "1", "--threads", "1")
LABELLED = """text\tlabel
The soup was wonderful, thank you!\tpositive
The train leaves at 8:15 from platform 2.\tneutral
The worst evening of my life.\tnegative
"""
FIGURES = {
    "name", "format", "model", "median_ms", "p99_ms", "latency_ratio", "texts_per_second",
    "throughput_ratio", "disk_mb", "memory_mb", "equal_labels", "largest_difference",
    "macro_recall", "calibration_error", "matmul_share",
}  # fmt: skip


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    file = tmp_path / "dev.tsv"
    file.write_text(LABELLED)
    return file


def test_json_and_a_picture(cli: Run, tmp_path: Path, labelled: Path, other_bundle: Path) -> None:
    picture = tmp_path / "speed.svg"
    flags = ("--data", labelled, "--matmul", "--json", "--picture", picture, *QUICK)
    ran = cli("model", "bench", default_bundle(), other_bundle, *flags)
    assert (ran.status, ran.err) == (0, "")
    said = json.loads(ran.out)
    assert (said["texts"], said["batch"], said["rounds"], said["threads"]) == (2, 32, 1, 1)
    assert "core" in said["machine"]
    first, second = said["bundles"]
    assert set(first) == FIGURES
    assert (first["name"], second["name"]) == ("model", "bundle")
    assert second["equal_labels"] == 100
    assert first["macro_recall"] == second["macro_recall"] == pytest.approx(1)
    assert first["matmul_share"] > 0
    assert f">{second['name']}</text>" in picture.read_text()


def test_a_table_for_people_says_what_was_measured(cli: Run) -> None:
    ran = cli("model", "bench", default_bundle(), *QUICK)
    assert (ran.status, ran.err) == (0, "")
    for words in ("one text, median ms", "texts a second", "equal labels, %", "100.00"):
        assert words in ran.out
    for unasked in ("macro recall", "int8 products"):
        assert unasked not in ran.out
    assert ran.out.endswith("2 texts, batches of 32, 1 thread\n")


def test_a_file_gets_names_as_long_as_they_are(cli: Run, tmp_path: Path, bundle: Path) -> None:
    names = [f"{'long-' * 12}{i}" for i in range(2)]
    for name in names:
        (tmp_path / name).symlink_to(bundle)
    assert "-0 " in cli("model", "bench", *names, *QUICK).out.splitlines()[0]


def test_products_that_no_bundle_has_are_refused(cli: Run, bundle: Path) -> None:
    manifest = open_bundle(bundle).manifest
    write_manifest(bundle, structs.replace(manifest, format="onnx"))
    ran = cli("model", "bench", bundle, "--matmul", *QUICK)
    assert (ran.status, ran.out) == (1, "")
    assert "none of these bundles is onnx-int8" in ran.err


@pytest.mark.parametrize(("flag", "value"), [("--threads", "-1"), ("--batch", "1000000000")])
def test_a_number_out_of_bounds_is_blamed_on_its_flag(cli: Run, flag: str, value: str) -> None:
    ran = cli("model", "bench", flag, value, "bundle")
    assert ran.status == 2
    assert flag in ran.err


def test_bundles_of_one_name_are_told_apart(
    cli: Run, tmp_path: Path, labelled: Path, bundle: Path
) -> None:
    other = tmp_path / "other" / "bundle"
    other.parent.mkdir()
    other.symlink_to(bundle)
    ran = cli("model", "bench", "bundle", "other/bundle", "--data", labelled, "--json", *QUICK)
    assert [one["name"] for one in json.loads(ran.out)["bundles"]] == ["bundle", "other/bundle"]


def test_a_picture_that_cannot_be_drawn_is_refused_before_the_measuring(cli: Run) -> None:
    ran = cli("model", "bench", "no-such-bundle", "--picture", "speed.gif")
    assert ran.status == 1
    assert ran.err == "sentiserve: speed.gif: a picture's name must end in one of .svg .png\n"


def test_a_picture_that_fails_all_the_same_costs_no_figures(cli: Run, tmp_path: Path) -> None:
    picture = tmp_path / "speed.svg"
    picture.symlink_to("/dev/full")
    ran = cli("model", "bench", default_bundle(), "--json", "--picture", picture, *QUICK)
    assert ran.err == f"sentiserve: {picture}: No space left on device\n"
    assert ran.status == 1
    assert json.loads(ran.out)["bundles"]


def test_a_bundle_that_is_none_is_named(cli: Run, tmp_path: Path) -> None:
    ran = cli("model", "bench", default_bundle(), tmp_path)
    assert ran.status == 1
    assert "is no model bundle" in ran.err
    assert len(ran.err.splitlines()) == 1
