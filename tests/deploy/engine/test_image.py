"""What is in the image, and what isn't."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import ROOT, docker, inspect, layers, saved

import sentiserve

LIMIT = 350_000_000  # bytes, uncompressed
INSTALLERS = ("pip", "ensurepip", "setuptools", "apt", "dpkg", "perl", "gcc", "cc", "ld", "as")


@pytest.fixture(scope="module")
def entries(image: str) -> list[tarfile.TarInfo]:
    """Everything in every layer, whether a later one hides it or not."""
    with saved(image) as directory:
        return [entry for layer in archives(directory) for entry in members(layer)]


def archives(directory: Path) -> list[Path]:
    manifest = json.loads((directory / "manifest.json").read_text())
    return [directory / layer for layer in manifest[0]["Layers"]]


def members(layer: Path) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(layer) as tar:
        yield from tar


def run(image: str, *command: str) -> str:
    return docker(
        "run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:]
    )


def test_it_is_small(image: str) -> None:
    """All layers together are at most 350 MB."""
    assert inspect(image)["Size"] <= LIMIT


def test_nothing_in_it_installs_or_compiles(entries: list[tarfile.TarInfo]) -> None:
    """No layer has a package manager, an installer or a compiler."""
    programs = [entry for entry in entries if not entry.isdir() or "/python3." in entry.name]
    names = {Path(entry.name).name for entry in programs}
    assert {"onnxruntime", "python3"} <= names, "the layers were not read"
    assert not names.intersection(INSTALLERS)


def test_nobody_becomes_anybody_else(entries: list[tarfile.TarInfo]) -> None:
    """No program runs as its owner or its group."""
    assert not [entry.name for entry in entries if entry.isfile() and entry.mode & 0o6000]


def test_the_model_is_in_it_once(entries: list[tarfile.TarInfo]) -> None:
    """The package does not bring the default bundle again."""
    weights = [entry.name for entry in entries if entry.name.endswith("model.onnx")]
    assert weights == ["model/model.onnx"]


def test_everybody_may_read_it(entries: list[tarfile.TarInfo]) -> None:
    """The service runs as any user, so its files are readable by all, and writable by none."""
    ours = [entry for entry in entries if entry.name.startswith(("app/", "venv/", "model/"))]
    for entry in ours:
        if not entry.issym():
            assert entry.mode & 0o444 == 0o444, entry.name
            assert not entry.mode & 0o022, entry.name


def test_the_stages_are_layers_of_the_image(image: str) -> None:
    """What is pushed as a stage is, to the digest, what the image consists of."""
    for stage in ("model", "deps"):
        [layer] = layers(f"{image}-{stage}")
        assert layers(image).count(layer) == 1


def test_it_says_what_it_is_and_how_it_runs(image: str) -> None:
    """User, signal, health check, entry point and labels."""
    config = inspect(image)["Config"]
    assert config["User"].split(":")[0] == "10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["tini", "--", "sentiserve"]
    assert config["Healthcheck"]["Test"][0] == "CMD"  # no shell
    assert config["Labels"]["org.opencontainers.image.version"] == sentiserve.__version__
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}", config["Labels"]["org.opencontainers.image.revision"])
    assert not [line for line in config["Env"] if line.startswith("PIP_")]


def test_the_command_is_the_projects(image: str) -> None:
    """Any command of the command line can be run in it."""
    assert docker("run", "--rm", image, "--version") == sentiserve.__version__
    assert "positive" in docker("run", "--rm", "--network=none", image, "predict", "What a day!")


def test_the_sbom_lists_what_is_installed(image: str) -> None:
    """Every package of the lock, the interpreter and the system's packages."""
    bom = json.loads(run(image, "cat", "/sbom/sentiserve.cdx.json"))
    assert bom["bomFormat"] == "CycloneDX"
    assert bom["metadata"]["component"]["name"] == "sentiserve"
    listed = {component["purl"].partition("?")[0] for component in bom["components"]}
    code = "from importlib.metadata import *; [print(d.name, d.version) for d in distributions()]"
    for line in run(image, "python3", "-c", code).splitlines():
        name, version = line.split()
        if name != "sentiserve":
            assert f"pkg:pypi/{name.lower().replace('_', '-')}@{version}" in listed
    assert [purl for purl in listed if purl.startswith("pkg:deb/debian/libc6@")]
    assert [purl for purl in listed if purl.startswith("pkg:generic/python@3.")]


def test_the_base_is_an_argument(image: str) -> None:
    """Dockerfile and label name the base by the argument alone."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    froms = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert not [name for name in froms if ":" in name]
    [default] = [line.partition("=")[2] for line in lines if line.startswith("ARG BASE=")]
    assert inspect(image)["Config"]["Labels"]["org.opencontainers.image.base.name"] == default
