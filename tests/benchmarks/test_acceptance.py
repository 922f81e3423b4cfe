"""The walk through the service: what would keep it from its end, or from its verdict."""

import http.client
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from .scripts import load


@pytest.fixture
def acceptance() -> ModuleType:
    return load("acceptance")


def test_too_few_rows_are_refused_at_once(acceptance: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "dev.tsv"
    source.write_text("text\tlabel\n" + "Fine.\tpositive\n" * 999)
    with pytest.raises(SystemExit, match=r"has 999 rows; at least 1,000 are needed"):
        acceptance.main(source)


def test_a_line_that_is_no_log_is_passed_on(
    acceptance: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python says what it thinks of an unknown warning filter before anything else runs."""
    (tmp_path / "archive.jsonl").write_text('{"id": "1", "text": "unused"}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "nonsense")
        with acceptance.serving(tmp_path) as service:
            assert service.port
    assert "Invalid -W option" in capfd.readouterr().err


def test_a_checkouts_env_is_not_read(
    acceptance: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``make up`` writes one with a key, without which nothing would be answered."""
    archive = tmp_path / "elsewhere" / "archive.jsonl"
    archive.parent.mkdir()
    archive.write_text('{"id": "1", "text": "unused"}\n')
    (tmp_path / ".env").write_text("SENTISERVE_API_KEYS=a-key\n")
    monkeypatch.chdir(tmp_path)
    with (
        acceptance.serving(archive.parent) as service,
        closing(http.client.HTTPConnection("127.0.0.1", service.port)) as connection,
    ):
        connection.request("GET", "/v1/model")
        assert connection.getresponse().status == 200


def test_a_load_that_ends_before_the_signal_is_no_endless_wait(
    acceptance: ModuleType, tmp_path: Path
) -> None:
    data = acceptance.Labelled(("Fine.", "Good."), ("positive", "positive"))
    report = acceptance.Report()
    acceptance.sigterm(report, tmp_path, data)
    assert report.holds
