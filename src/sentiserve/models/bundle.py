"""Bundles: directories that hold all that a model needs, and prove that it is unchanged."""

import hashlib
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec

from sentiserve.errors import BundleError
from sentiserve.models.preprocessing import preprocessing
from sentiserve.types import ModelInfo

MANIFEST = "bundle.json"
TOKENIZER = "tokenizer.json"
CARD = "README.md"
PROFILE = "profile.json"
_UNDECISIVE = frozenset({CARD, PROFILE})
PROGRAMS = frozenset({"torchscript"})  # formats whose weights are code as well
MAX_MANIFEST = 1 << 20  # bytes
_DRAFT = f".{MANIFEST}.new"
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Temperature = Annotated[float, msgspec.Meta(ge=MIN_TEMPERATURE, le=MAX_TEMPERATURE)]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``bundle.json`` says.

    Attributes:
        weights: the name of the file that the engine reads.
        files: a SHA-256, in hex, for every other file of the bundle.
        quality: measured figures, by name.
        temperature: what the logits are divided by before they become scores; above 1 the
            scores are more cautious. It changes no label.
    """

    name: Name
    revision: Name
    format: Name
    weights: FileName
    labels: Annotated[tuple[Name, ...], msgspec.Meta(min_length=2, max_length=1000)]
    max_tokens: Annotated[int, msgspec.Meta(ge=4, le=65_536)]
    preprocessing: Name
    licence: Name
    files: dict[FileName, Digest]
    quality: dict[Name, float] = {}
    temperature: Temperature = 1.0

    @property
    def model_id(self) -> str:
        """A digest over all that decides a prediction, and nothing else: 16 hex digits."""
        decisive: dict[str, Any] = {
            "files": {n: self.files[n] for n in self.files.keys() - _UNDECISIVE},
            "weights": self.weights,
            "format": self.format,
            "labels": self.labels,
            "max_tokens": self.max_tokens,
            "preprocessing": self.preprocessing,
        }
        if self.temperature != 1:  # bundles that have none keep their id
            decisive["temperature"] = self.temperature
        canonical = msgspec.json.encode(decisive, order="sorted")
        return hashlib.sha256(canonical).hexdigest()[:16]

    @property
    def info(self) -> ModelInfo:
        """The manifest in the words of the rest of sentiserve."""
        return ModelInfo(
            name=self.name,
            revision=self.revision,
            id=self.model_id,
            labels=self.labels,
            max_tokens=self.max_tokens,
            preprocessing=self.preprocessing,
            format=self.format,
            licence=self.licence,
            quality=self.quality,
            temperature=self.temperature,
        )


class Bundle(msgspec.Struct, frozen=True):
    """A bundle that was found complete and unchanged."""

    path: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        """The file that the engine reads."""
        return self.path / self.manifest.weights

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file.

        Raises:
            BundleError: the bundle has none.
        """
        if TOKENIZER not in self.manifest.files:
            raise BundleError(f"{self.path / MANIFEST}: no digest for {TOKENIZER}")
        return self.path / TOKENIZER


def default_bundle() -> Path:
    """The directory of the bundle that ships inside the package."""
    return Path(str(resources.files("sentiserve"))) / "data" / "model"


def open_bundle(path: Path) -> Bundle:
    """Read a bundle and verify every file against its digest.

    Raises:
        BundleError: something is missing, malformed, or not what the manifest says.
    """
    manifest = read_manifest(path)
    if others := unlisted(path, manifest):  # ONNX weights, say, beside the file that names them
        raise BundleError(f"{path / min(others)}: {MANIFEST} doesn't list it; remove it")
    for name, expected in manifest.files.items():
        if digest(path / name) != expected:
            raise BundleError(
                f"{path / name} is not the file that {MANIFEST} describes: "
                "its SHA-256 differs; fetch or export the bundle again"
            )
    return Bundle(path, manifest)


def read_manifest(path: Path) -> Manifest:
    """What the ``bundle.json`` in a directory says; no other file is looked at.

    Raises:
        BundleError: there is none, or it is no manifest.
    """
    file = path / MANIFEST
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_MANIFEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{path} is no model bundle: it has no {MANIFEST}") from None
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}") from error
    return parse_manifest(raw, file)


def parse_manifest(raw: bytes, source: object) -> Manifest:
    """What the bytes of a ``bundle.json`` say; ``source`` is where they are from.

    Raises:
        BundleError: they are no manifest, or one of a bundle that could not be used.
    """
    if len(raw) > MAX_MANIFEST:
        raise BundleError(f"{source} is over {MAX_MANIFEST:,} bytes")
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        _check(manifest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, BundleError) as error:
        raise BundleError(f"{source}: {error}") from error
    return manifest


def unlisted(path: Path, manifest: Manifest) -> set[str]:
    """The names in a bundle's directory that its manifest doesn't list.

    Raises:
        BundleError: the directory can't be read.
    """
    try:
        found = {file.name for file in path.iterdir()}
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    return found - manifest.files.keys() - {MANIFEST, _DRAFT}


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write ``bundle.json`` for the files that lie in the directory, whole or not at all.

    Raises:
        BundleError: it can't be written.
    """
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    draft = path / _DRAFT
    try:
        draft.write_bytes(raw + b"\n")
        draft.replace(path / MANIFEST)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise BundleError(f"{path / MANIFEST} cannot be written: {error.strerror}") from error


def record_quality(bundle: Bundle, figures: dict[str, float]) -> None:
    """Keep measured figures in the manifest; the model id stays, for they decide nothing."""
    write_manifest(bundle.path, msgspec.structs.replace(bundle.manifest, quality=figures))


def record_temperature(bundle: Bundle, temperature: float) -> Manifest:
    """Keep a temperature in the manifest: another model id, of which nothing is measured yet."""
    manifest = msgspec.structs.replace(bundle.manifest, temperature=temperature, quality={})
    write_manifest(bundle.path, manifest)
    return manifest


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex.

    Raises:
        BundleError: the file is missing or unreadable.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BundleError(f"{path} is missing; the bundle is not complete") from None
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error


def _check(manifest: Manifest) -> None:
    if len(set(manifest.labels)) < len(manifest.labels):
        raise BundleError("a label is named twice")
    preprocessing(manifest.preprocessing)
    if manifest.weights not in manifest.files:
        raise BundleError(f"no digest for {manifest.weights}")
