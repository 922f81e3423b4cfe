"""The memory that a model adds, measured on real processes."""

import sys
from pathlib import Path

import pytest
from checkpoints import Exports

from sentiserve.errors import ModelError
from sentiserve.models.bundle import default_bundle
from sentiserve.models.memory import added_memory


def test_a_model_adds_at_least_its_weights() -> None:
    added = added_memory(default_bundle(), ["What a lovely day!"], threads=1)
    assert added is not None
    assert 20_000_000 < added < 1_000_000_000


def test_an_engine_that_warns_does_not_spoil_the_answer(exported: Exports) -> None:
    added = added_memory(exported("bert", "torchscript"), ["Fine."], threads=1)
    assert added is not None
    assert added > 20_000_000  # torch itself


def test_a_bundle_that_cannot_be_loaded_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"process of its own: .* is no model bundle"):
        added_memory(tmp_path, ["Fine."])


def test_a_process_that_is_killed_is_an_error_that_names_the_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(ModelError, match=r"process of its own: .* signal 9 \(Killed\)"):
        added_memory(default_bundle(), ["Fine."])


def test_modules_in_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('imported')")
    assert Path.cwd() == tmp_path
    assert added_memory(default_bundle(), ["Fine."], threads=1)
