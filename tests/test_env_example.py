"""``.env.example`` lists every setting, with its default and its description."""

import os
import re
from pathlib import Path

import pytest

from sentiserve.settings import PREFIX, Settings, load_settings

FILE = Path(__file__).parent.parent / ".env.example"
LISTED = dict(re.findall(rf"^# {PREFIX}(\w+)=(.*)$", FILE.read_text("utf-8"), re.MULTILINE))


@pytest.fixture(autouse=True)
def _default_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps other tests off the network is not set here."""
    monkeypatch.delenv("SENTISERVE_SOURCES")


def test_every_setting_is_listed_and_nothing_else() -> None:
    assert [name.lower() for name in LISTED] == list(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_listed_value_is_the_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    default = getattr(load_settings(), name)
    listed = os.path.expandvars(LISTED[name.upper()])
    if not listed:
        assert default in {None, ()}
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", listed)
    assert getattr(load_settings(), name) == default


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_setting_is_described_in_its_own_words(name: str) -> None:
    before = FILE.read_text("utf-8").partition(f"# {PREFIX}{name.upper()}=")[0]
    paragraph = before.rpartition("\n\n")[2]
    described = " ".join(line.removeprefix("#").strip() for line in paragraph.splitlines())
    assert described.strip() == Settings.model_fields[name].description


def test_the_file_as_it_is_changes_nothing(tmp_path: Path) -> None:
    before = load_settings()
    (tmp_path / ".env").write_bytes(FILE.read_bytes())
    assert load_settings() == before
