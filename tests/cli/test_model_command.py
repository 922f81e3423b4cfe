"""``sentiserve model``: what a bundle is, whether it is whole, and how good."""

import importlib.util
import json
import re
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from processes import Run

from sentiserve.cli.quality import confusion_table
from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.evaluation import Evaluation

INFO = open_bundle(default_bundle()).manifest.info
LABELLED = """text\tlabel
The soup was wonderful, thank you!\tpositive
I love this "little" park.\tpositive
The train leaves at 8:15 from platform 2.\tneutral
A new post office opens in May.\tneutral
The worst evening of my life.\tnegative
Broken again, and nobody answers the phone.\tnegative
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    file = tmp_path / "dev.tsv"
    file.write_text(LABELLED)
    return file


def test_info_says_what_the_manifest_says(cli: Run) -> None:
    ran = cli("model", "info", "--json")
    assert ran.status == 0
    said = json.loads(ran.out)
    assert said["id"] == INFO.id
    assert said["labels"] == list(INFO.labels)
    assert said["path"] == str(default_bundle())
    for_people = cli("model", "info").out
    for value in (INFO.id, INFO.name, INFO.licence, *INFO.labels):
        assert value in for_people


def test_the_setting_names_the_bundle(cli: Run, other_bundle: Path) -> None:
    said = json.loads(cli("model", "info", "--json", model=str(other_bundle)).out)
    assert said["id"] != INFO.id
    assert said["path"] == str(other_bundle)


def test_verify_accepts_a_whole_bundle(cli: Run, bundle: Path) -> None:
    ran = cli("model", "verify", bundle)
    assert (ran.status, ran.err) == (0, "")
    assert str(bundle) in ran.out


def test_verify_names_the_file_that_differs(cli: Run, bundle: Path) -> None:
    (bundle / "README.md").write_text("Another model card.")
    ran = cli("model", "verify", bundle)
    assert ran.status == 1
    assert ran.err.startswith(f"sentiserve: {bundle / 'README.md'} is not the file")


def test_evaluate_compares_with_the_true_labels(cli: Run, labelled: Path) -> None:
    ran = cli("model", "evaluate", labelled, "--json")
    assert ran.status == 0
    said = json.loads(ran.out)
    assert (said["model"], said["texts"]) == (INFO.id, 6)
    assert [sum(row) for row in said["confusion"]] == [2, 2, 2]
    right = sum(said["confusion"][i][i] for i in range(3))
    assert said["accuracy"] == pytest.approx(right / 6, abs=1e-4)
    assert said["macro_recall"] == pytest.approx(sum(said["recall"].values()) / 3, abs=1e-4)
    assert set(said["precision"]) == set(INFO.labels)


def test_evaluate_shows_a_table_and_records_nothing_unasked(
    cli: Run, labelled: Path, bundle: Path
) -> None:
    before = (bundle / "bundle.json").read_bytes()
    ran = cli("model", "evaluate", labelled, "--model", bundle)
    assert ran.status == 0
    for word in ("macro_recall", "accuracy", "true label", *INFO.labels):
        assert word in ran.out
    assert (bundle / "bundle.json").read_bytes() == before


def test_recorded_figures_leave_the_model_id_alone(cli: Run, labelled: Path, bundle: Path) -> None:
    assert cli("model", "evaluate", labelled, "--model", bundle, "--record").status == 0
    info = open_bundle(bundle).manifest.info
    assert info.id == INFO.id
    assert info.quality["texts"] == 6
    assert 0 <= info.quality["macro_recall"] <= 1


def test_info_counts_texts_in_whole_numbers(cli: Run, labelled: Path, bundle: Path) -> None:
    cli("model", "evaluate", labelled, "--model", bundle, "--record")
    said = cli("model", "info", bundle).out
    assert re.search(r"texts 6\s*$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (None, "copy it"),
        (str(default_bundle()), "copy it"),
        ("hf:my-team/tickets", "sentiserve model pull"),
        ("s3://my-bucket/tickets", "sentiserve model pull"),
    ],
)
def test_figures_are_recorded_only_in_a_bundle_that_is_yours(
    cli: Run, labelled: Path, model: str | None, says: str
) -> None:
    before = (default_bundle() / "bundle.json").read_bytes()
    ran = cli("model", "evaluate", labelled, "--record", **({"model": model} if model else {}))
    assert (ran.status, ran.out) == (1, "")
    assert says in ran.err
    assert (default_bundle() / "bundle.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("text\tlabel\nFine.\thappy\n", "happy"),
        ("text\tlabel\nFine.\tpositive\nNo label.\t\n", "row 2"),
        ("text\nFine.\n", "row 1"),
        ("text\tlabel\n", "no rows"),
        ("", "no rows"),
    ],
)
def test_labelled_texts_that_cannot_be_used_are_named(
    cli: Run, labelled: Path, content: str, says: str
) -> None:
    labelled.write_text(content)
    ran = cli("model", "evaluate", labelled)
    assert ran.status == 1
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", [("train", "d.tsv", "base", "out"), ("export", "in", "out")])
def test_what_the_extra_train_brings_is_named_when_it_is_missing(
    cli: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else found(name, package)

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    ran = cli("model", *command)
    assert ran.status == 1
    assert ran.err == "sentiserve: torch is not installed: pip install 'sentiserve[train]'\n"


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """A checkpoint whose labels have no names, under the name and licence of its card."""
    from checkpoints import write_roberta

    directory = tmp_path / "tiny-roberta"
    directory.mkdir()
    write_roberta(directory)
    (directory / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Tiny\n")
    return directory


def test_export_asks_for_the_names_of_labels_that_have_none(
    cli: Run, tmp_path: Path, unnamed: Path
) -> None:
    ran = cli("model", "export", unnamed, tmp_path / "out", "--format", "torchscript")
    assert ran.status == 1
    assert "--labels negative,neutral,positive" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_export_takes_name_and_licence_from_the_checkpoint(
    cli: Run, tmp_path: Path, unnamed: Path
) -> None:
    out = tmp_path / "out"
    flags = ("--format", "torchscript", "--labels", "bad, so so,good")
    ran = cli("model", "export", unnamed, out, *flags)
    assert (ran.status, ran.err) == (0, "")
    info = open_bundle(out).manifest.info
    assert (info.name, info.licence) == ("tiny-roberta", "cc-by-4.0")
    assert info.labels == ("bad", "so so", "good")
    assert info.max_tokens == 128
    more = ("--name", "mine", "--licence", "MIT", "--max-tokens", "512")
    assert cli("model", "export", unnamed, out, *flags, *more).status == 0
    info = open_bundle(out).manifest.info
    assert (info.name, info.licence, info.max_tokens) == ("mine", "MIT", 512)


def test_data_that_lack_a_label_have_no_macro_averages(
    cli: Run, labelled: Path, bundle: Path
) -> None:
    labelled.write_text("".join(LABELLED.splitlines(keepends=True)[:5]))
    flags = ("--model", bundle, "--record")
    said = json.loads(cli("model", "evaluate", labelled, *flags, "--json").out)
    assert said["macro_recall"] is said["macro_f1"] is said["recall"]["negative"] is None
    assert set(open_bundle(bundle).manifest.quality) == {"accuracy", "calibration_error", "texts"}
    shown = cli("model", "evaluate", labelled).out
    assert re.search(r"macro_recall +\u2013", shown)
    assert re.search(r"negative +\u2013 ", shown)


def test_of_many_labels_the_likeliest_mistake_is_shown(
    capfd: pytest.CaptureFixture[str],
) -> None:
    labels = tuple(f"label {i:02}" for i in range(28))
    confusion = np.diag(np.full(28, 9))
    confusion[3, [1, 5]] = 1, 2
    confusion_table(Evaluation(labels, confusion, 0.0))
    shown = capfd.readouterr().out.splitlines()
    assert len(shown) == 29
    assert max(map(len, shown)) <= 80
    assert re.fullmatch(r"label 02 +1\.0000 +1\.0000 +\u2013", shown[3])
    assert re.fullmatch(r"label 03 +0\.7500 +1\.0000 +label 05 2", shown[4])


def test_evaluate_shows_figures_by_slice(cli: Run, labelled: Path) -> None:
    said = json.loads(cli("model", "evaluate", labelled, "--slices", "--json").out)
    assert said["slices"]["up to 10 words"] == {
        "texts": 6,
        "macro_recall": said["macro_recall"],
        "accuracy": said["accuracy"],
    }
    assert said["slices"]["negation"]["macro_recall"] is None
    shown = cli("model", "evaluate", labelled, "--slices").out
    assert re.search(r"negation +1 +\u2013 +\d\.\d{4}", shown)
    assert re.search(r"emoji +0 +\u2013 +\u2013", shown)


def test_no_slices_unasked(cli: Run, labelled: Path) -> None:
    assert "slices" not in json.loads(cli("model", "evaluate", labelled, "--json").out)


@pytest.fixture
def contested(labelled: Path) -> Path:
    """Labels of which the model can get only some right; enough to fit a temperature to."""
    header, *rows = LABELLED.splitlines()
    rows += ["The soup was awful.\tpositive", "The train was lovely.\tneutral"]
    labelled.write_text("\n".join([header, *rows * 13]))
    return labelled


def test_calibrate_keeps_the_temperature_in_the_manifest(
    cli: Run, contested: Path, bundle: Path
) -> None:
    said = json.loads(cli("model", "calibrate", contested, "--model", bundle, "--json").out)
    info = open_bundle(bundle).manifest.info
    assert info.temperature == said["temperature"] != 1
    assert info.id == said["model"] != INFO.id
    assert not info.quality
    assert said["after"]["nll"] < said["before"]["nll"]
    assert {"calibration_error", "nll"} == set(said["cross_fitted"])
    assert json.loads(cli("model", "info", bundle, "--json").out)["temperature"] == info.temperature


def test_calibrate_changes_scores_and_no_label(cli: Run, contested: Path, bundle: Path) -> None:
    def confusion() -> object:
        return json.loads(cli("model", "evaluate", contested, "--model", bundle, "--json").out)

    before = confusion()
    ran = cli("model", "calibrate", contested, "--model", bundle)
    assert ran.status == 0
    for word in ("before", "after", "cross-fitted", "calibration_error", "nll"):
        assert word in ran.out
    after = confusion()
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["confusion"] == before["confusion"]
    assert after["calibration_error"] != before["calibration_error"]


def test_calibrate_keeps_only_what_is_better(cli: Run, contested: Path, bundle: Path) -> None:
    cli("model", "calibrate", contested, "--model", bundle)
    once = (bundle / "bundle.json").read_bytes()
    again = cli("model", "calibrate", contested, "--model", bundle)
    assert (again.status, again.err) == (0, "")
    assert "stays as it is" in again.out
    said = json.loads(cli("model", "calibrate", contested, "--model", bundle, "--json").out)
    assert (said["kept"], said["model"]) == (False, open_bundle(bundle).manifest.model_id)
    assert (bundle / "bundle.json").read_bytes() == once


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "--model"),
        (("--model", str(default_bundle())), "copy it"),
        (("--model", "hf:my-team/tickets"), "sentiserve model pull"),
        (("--model", "s3://my-bucket/tickets"), "sentiserve model pull"),
        (("--model", "nowhere"), "nowhere is no model bundle"),
    ],
)
def test_calibrate_rewrites_only_a_bundle_that_is_named_and_yours(
    cli: Run, contested: Path, flags: tuple[str, ...], says: str
) -> None:
    before = (default_bundle() / "bundle.json").read_bytes()
    ran = cli("model", "calibrate", contested, *flags)
    assert ran.status != 0
    assert says in ran.err
    assert (default_bundle() / "bundle.json").read_bytes() == before
