"""The arrows between the rooms, and how light the package is to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sentiserve

PACKAGE = Path(sentiserve.__file__).parent
SHARED = {
    "errors", "types", "protocols", "texts", "timing", "plugins", "tables", "settings", "metrics",
    "logs", "tracebacks", "records", "names", "tombstones", "cores", "profile", "hashtags",
}  # fmt: skip
ASKED = {"inference", "insights", "features", "forgetting", "judging"}  # what the doors ask
ALLOWED = {
    "errors": set(),
    "hashtags": set(),
    "types": {"errors", "hashtags"},
    "protocols": {"errors", "types"},
    "profile": set(),
    "records": {"types"},
    "names": {"errors", "types"},
    "tombstones": {"records", "types"},
    "texts": {"errors"},
    "timing": {"errors"},
    "plugins": {"errors"},
    "tables": {"errors", "texts"},
    "directories": {"errors"},
    "values": set(),
    "settings": {"directories", "errors", "values"},
    "metrics": set(),
    "emf": {"metrics"},
    "tracebacks": {"errors"},
    "logs": {"tracebacks"},
    "cores": set(),
    "sources": SHARED,
    "models": SHARED,
    "store": SHARED,
    "lanes": SHARED,
    "engine": SHARED | {"lanes"},
    "batcher": SHARED | {"engine", "lanes"},
    "journal": SHARED,
    "delivery": SHARED | {"journal"},
    "recorder": SHARED | {"delivery", "journal"},
    "scoring": SHARED,
    "lookups": {"errors", "protocols", "types"},
    "questions": {"errors", "protocols", "texts", "types"},
    "flights": {"errors", "lanes", "questions", "timing", "types"},
    "inference": SHARED | {"batcher", "flights", "lanes", "lookups", "questions", "recorder"},
    "judging": {"errors", "inference", "protocols", "timing", "types"},
    "history": SHARED | {"features"},
    "forgetting": {"protocols", "types"},
    "materialize": {"protocols", "records", "types"},
    "ingest": SHARED | {"inference", "forgetting"},
    "insights": SHARED,
    "features": SHARED,
    "parts": SHARED
    | {"features", "forgetting", "history", "insights", "journal", "models", "sources", "store"},
    "build": SHARED | ASKED | {"batcher", "history", "parts", "recorder", "sources"},
    "testing": SHARED,
    "api": SHARED | ASKED | {"build", "emf", "__init__"},
    "cli": SHARED
    | ASKED
    | {"build", "ingest", "materialize", "scoring", "api", "models", "sources"},
    "__init__": {"cores", "errors", "types", "protocols", "models", "build", "settings", "metrics"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sentiserve"):
            parts = (node.module or "").split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            rooms |= {name if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()
                      else "__init__" for name in names}  # fmt: skip
    return rooms


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.name))
def test_rooms_import_only_what_lies_below_them(path: Path) -> None:
    here = room(path)
    assert imported_rooms(path) - {here} <= ALLOWED[here]


def test_every_room_has_its_place() -> None:
    assert {room(path) for path in PACKAGE.rglob("*.py")} == set(ALLOWED)


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'pandas', 'duckdb', 'onnxruntime', 'fastapi', 'numpy'}"
    code = f"import sys, sentiserve; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_serving_loads_no_training_and_no_tables() -> None:
    code = (
        "import sys, sentiserve.api.process, sentiserve.models.onnx, sentiserve.store.sqlite, "
        "sentiserve.sources.archive; "
        "print(sorted({'torch', 'transformers', 'pandas', 'duckdb', 'onnx'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_model_can_load_before_what_serves_it_is_imported() -> None:
    """It takes as long, and on another core; so does what a source needs to connect."""
    heavy = "{'fastapi', 'starlette', 'uvicorn', 'httpx2', 'redis'}"
    code = (
        f"import sys, sentiserve.cli.main, sentiserve.api.server; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
