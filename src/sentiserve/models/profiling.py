"""Make the profile that drift is held against, keep it in a bundle, and read it back."""

from collections.abc import Sequence
from itertools import compress

import msgspec
import numpy as np

from sentiserve.errors import BadInputError, BundleError
from sentiserve.models.bundle import (
    PROFILE,
    Bundle,
    Manifest,
    digest,
    write_manifest,
)
from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.models.measures import CATEGORIES, EDGES, Measures
from sentiserve.profile import VERSION, Feature, Kind, Measure, Profile, Value, posts_with
from sentiserve.protocols import Model
from sentiserve.types import Sentiment

FEWEST = 500  # texts; a profile of fewer is so uncertain that only great drift is found
_BINS = 10
_MAX_LABELS = 20  # the commonest ones have bins of their own
_MAX_FILE = 1 << 20  # bytes


def profile_of(
    model: Model, measure: Measure, texts: Sequence[str], truth: Sequence[str] | None = None
) -> Profile:
    """The profile of texts that the model was not trained on; each text counts once.

    Args:
        model: what predicts.
        measure: what measures texts.
        texts: like those that the model will be asked.
        truth: their true labels, where they are known.

    Raises:
        BadInputError: there are too few texts, or they have a label that the model doesn't.
    """
    texts, truth = _distinct(texts, truth)
    if len(texts) < FEWEST:
        raise BadInputError(
            f"{len(texts):,} different texts are too few for a profile; it takes {FEWEST} at least"
        )
    sentiments, labels = model.predict(texts), model.info.labels
    measured = measure(texts)
    features = {
        name: _feature(Kind.INPUT, values, EDGES.get(name, ()), CATEGORIES.get(name, ()))
        for name, values in measured.values.items()
    }
    features |= _said(labels, sentiments)
    confusion: tuple[tuple[int, ...], ...] = ()
    if truth is not None and len(labels) <= _MAX_LABELS:
        found = evaluate(labels, Labelled(tuple(texts), tuple(truth)), sentiments)
        confusion = tuple(map(tuple, found.confusion.tolist()))
    words = posts_with(measured.words)
    return Profile(VERSION, model.info.id, len(texts), features, words, labels, confusion)


def record_profile(bundle: Bundle, profile: Profile) -> Manifest:
    """Keep a profile in a bundle; the model id stays, for it decides no prediction.

    Raises:
        BundleError: it can't be written.
    """
    path = bundle.path / PROFILE
    raw = msgspec.json.format(msgspec.json.encode(profile), indent=0)
    try:
        path.write_bytes(raw + b"\n")
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror}") from error
    files = bundle.manifest.files | {PROFILE: digest(path)}
    manifest = msgspec.structs.replace(bundle.manifest, files=files)
    write_manifest(bundle.path, manifest)
    return manifest


def read_profile(bundle: Bundle) -> Profile | None:
    """The profile that lies in a bundle, if one does.

    Raises:
        BundleError: it is none.
    """
    if PROFILE not in bundle.manifest.files:
        return None
    path = bundle.path / PROFILE
    try:
        if path.stat().st_size > _MAX_FILE:
            raise BundleError(f"{path} is over {_MAX_FILE:,} bytes")
        return parse_profile(path.read_bytes(), path)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error


def parse_profile(raw: bytes, source: object) -> Profile:
    """What the bytes of a ``profile.json`` say; ``source`` is where they are from.

    Raises:
        BundleError: they are no profile.
    """
    try:
        return msgspec.json.decode(raw, type=Profile)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BundleError(f"{source}: {error}") from error


def load_reference(bundle: Bundle) -> tuple[Profile | None, Measure]:
    """What a bundle's posts are held against, and what measures them."""
    return read_profile(bundle), Measures(bundle)


def _distinct(
    texts: Sequence[str], truth: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str] | None]:
    seen: set[str] = set()
    is_new = [not (text in seen or seen.add(text)) for text in texts]  # type: ignore[func-returns-value]  # add gives None
    return tuple(compress(texts, is_new)), truth and tuple(compress(truth, is_new))


def _said(labels: Sequence[str], sentiments: Sequence[Sentiment]) -> dict[str, Feature]:
    said = [sentiment.label for sentiment in sentiments]
    confidence = [max(sentiment.scores.values()) for sentiment in sentiments]
    common = sorted(labels, key=said.count, reverse=True)[:_MAX_LABELS]
    names = tuple(label for label in labels if label in common)
    return {
        "label": _feature(Kind.PREDICTION, said, names=names),
        "confidence": _feature(Kind.PREDICTION, confidence),
    }


def _feature(
    kind: Kind,
    values: Sequence[Value],
    edges: Sequence[float] = (),
    names: Sequence[str] = (),
) -> Feature:
    if not names:
        edges = edges or _tenths([float(value) for value in values])
    empty = Feature(kind, (0,) * (len(edges or names) + 1), tuple(edges), tuple(names))
    return msgspec.structs.replace(empty, counts=empty.tally(values))


def _tenths(values: Sequence[float]) -> list[float]:
    """Edges between bins of about as many values each; fewer where values are equal."""
    inner = np.arange(1, _BINS) / _BINS
    found = np.unique(np.quantile(values, inner, method="lower"))
    return [round(float(edge), 6) for edge in found if edge < max(values)] or [max(values)]
