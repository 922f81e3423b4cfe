"""What other packages add."""

import sys
from pathlib import Path

import pytest

from sentiserve.errors import SettingsError
from sentiserve.plugins import load

GROUP = "sentiserve.things"
BUILTIN = {"decimal": "decimal:Decimal", "nothing": "decimal:NoSuchName"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that offers things, as pip would install it."""
    metadata = tmp_path / "offers-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: offers\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{GROUP}]\n"
        "good = sentiserve_test_good:thing\n"
        "decimal = sentiserve_test_good:thing\n"
        "no-module = sentiserve_test_missing:thing\n"
        "no-attribute = sentiserve_test_good:missing\n"
        "no-dependency = sentiserve_test_needy:thing\n"
        "bug = sentiserve_test_bug:thing\n"
        "syntax = sentiserve_test_syntax:thing\n"
        "[sentiserve.others]\n"
        "other = sentiserve_test_good:thing\n"
    )
    modules = {
        "good": "thing = 'the thing'",
        "needy": "import no_such_dependency",
        "bug": "1 / 0",
        "syntax": "thing =",
    }
    for name, source in modules.items():
        (tmp_path / f"sentiserve_test_{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"sentiserve_test_{name}", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_builtin_is_found_by_name() -> None:
    assert load(GROUP, "decimal", BUILTIN).__name__ == "Decimal"


@pytest.mark.usefixtures("installed")
def test_an_installed_package_adds_its_own() -> None:
    """An entry point is enough; the code here needs to know nothing of it."""
    assert load(GROUP, "good", BUILTIN) == "the thing"


@pytest.mark.usefixtures("installed")
def test_a_builtin_is_not_replaced() -> None:
    """No installed package can put itself in the place of what ships with sentiserve."""
    assert load(GROUP, "decimal", BUILTIN).__name__ == "Decimal"


@pytest.mark.usefixtures("installed")
def test_nothing_is_imported_before_it_is_asked_for() -> None:
    """Looking one thing up runs no other's code."""
    load(GROUP, "decimal", BUILTIN)
    assert "sentiserve_test_good" not in sys.modules


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["other", "", "Decimal", "decimal:Decimal", "os:system"])
def test_an_unknown_name_lists_the_known(name: str) -> None:
    """The error names what there is, built in and installed, of this group alone."""
    with pytest.raises(SettingsError) as caught:
        load(GROUP, name, BUILTIN)
    assert f"no things named {name!r}" in str(caught.value)
    known = str(caught.value).partition("known: ")[2].split(", ")
    assert {"decimal", "good", "nothing"} <= set(known)
    assert "other" not in known
    assert known == sorted(known)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "name", ["nothing", "no-module", "no-attribute", "no-dependency", "bug", "syntax"]
)
def test_what_cannot_be_imported_says_why(name: str) -> None:
    """Whatever an import raises is a setting's problem, and names the thing."""
    with pytest.raises(SettingsError, match=f"{GROUP} '{name}' cannot be imported: .") as caught:
        load(GROUP, name, BUILTIN)
    assert caught.value.__cause__ is not None
