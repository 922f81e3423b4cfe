"""``sentiserve model profile``, and what is printed of drift."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from processes import Run

from sentiserve.cli.drift import print_drift
from sentiserve.insights.findings import Drift, Finding
from sentiserve.models.bundle import open_bundle
from sentiserve.models.profiling import FEWEST, read_profile
from sentiserve.profile import Kind

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LANGUAGE = Finding(
    "language", Kind.INPUT, ("English", "Spanish", "Dutch"), (0.9, 0.05, 0.05), (0.2, 0.7, 0.1),
    250, 2000, 700.0, 1e-150, 2.5, 1e-4,
)  # fmt: skip
FOUND = Drift("model-1", 250, 3, NOW, NOW, 12, (LANGUAGE,), ("too few true labels yet (12 of 50)",))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "held-out.tsv"
    rows = [f"I wrote text number {i} myself\tneutral" for i in range(FEWEST)]
    file.write_text("text\tlabel\n" + "\n".join(rows) + "\n")
    return file


def test_a_bundle_gets_a_profile_of_ones_own_posts(cli: Run, bundle: Path, texts: Path) -> None:
    """With the confusion, where labels are known; the bundle stays whole, and the same model."""
    before = open_bundle(bundle).manifest.model_id
    ran = cli("model", "profile", texts, "--model", bundle)
    assert ran.status == 0, ran.err
    assert f"{FEWEST} different texts, with true labels" in ran.out
    after = open_bundle(bundle)
    made = read_profile(after)
    assert made
    assert (after.manifest.model_id, made.model, made.posts) == (before, before, FEWEST)
    assert sum(map(sum, made.confusion)) == FEWEST


def test_texts_without_labels_will_do(cli: Run, bundle: Path, tmp_path: Path) -> None:
    """Concept drift is then held against the stated accuracy alone."""
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps({"text": f"Post {i}"}) + "\n" for i in range(FEWEST)))
    ran = cli("model", "profile", file, "--model", bundle)
    assert "without true labels" in ran.out


def test_too_few_texts_are_refused(cli: Run, bundle: Path, tmp_path: Path) -> None:
    """And the profile that was there stays."""
    before = read_profile(open_bundle(bundle))
    file = tmp_path / "few.tsv"
    file.write_text("text\nOne.\nTwo.\n")
    ran = cli("model", "profile", file, "--model", bundle)
    assert ran.status == 1
    assert "2 different texts are too few for a profile" in ran.err
    assert read_profile(open_bundle(bundle)) == before


def test_drift_is_printed_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    """What drifted, by how much, where the most changed, and what could not be compared."""
    print_drift(FOUND, as_json=False)
    printed = capfd.readouterr().out
    assert "250, and 3 repeated" in printed
    assert "2026-03-01 12:30" in printed
    assert "DRIFTED  language   2.500  0.1  1e-150" in printed
    assert "English 90% → 20%, Spanish 5% → 70%, Dutch 5% → 10%" in printed
    assert "too few true labels yet (12 of 50)" in printed


def test_no_drift_is_printed_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    """An empty store, and a window without alarms."""
    print_drift(Drift("model-1", 0, 0, None, None, 0), as_json=False)
    assert "never" in capfd.readouterr().out
    quiet = replace(FOUND, findings=(replace(LANGUAGE, effect=0.01),))
    print_drift(quiet, as_json=False)
    printed = capfd.readouterr().out
    assert "nothing" in printed
    assert "DRIFTED" not in printed


def test_drift_is_printed_for_machines(capfd: pytest.CaptureFixture[str]) -> None:
    """One JSON object, with all of it."""
    print_drift(FOUND, as_json=True)
    said = json.loads(capfd.readouterr().out)
    assert said["drifted"] == ["language"]
    (finding,) = said["findings"]
    assert (finding["feature"], finding["drifted"], finding["kind"]) == ("language", True, "input")
    assert finding["window"] == [0.2, 0.7, 0.1]
