"""Posts to look for drift in: a model and measures that do each text once, and what was said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.labelled import read_texts
from sentiserve.models.measures import Measures
from sentiserve.models.registry import load_model
from sentiserve.profile import Measured
from sentiserve.types import Feedback, Judgement, ModelInfo, Post, Prediction, Sentiment

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Known:
    """A model and its measures that do each text once: windows repeat them thousands of times."""

    def __init__(self) -> None:
        """Load the bundled model; the figures it states are of all held-out posts, so left out."""
        bundle = open_bundle(default_bundle())
        self._model, self._measure = load_model(bundle.path, 1), Measures(bundle)
        self.info: ModelInfo = replace(self._model.info, quality={})
        self._said: dict[str, Sentiment] = {}
        self._seen: dict[str, tuple[dict[str, float | str], frozenset[int]]] = {}

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        """What the model says of each text."""
        new = [*{text: None for text in texts if text not in self._said}]
        self._said |= zip(new, self._model.predict(new), strict=True)
        return [self._said[text] for text in texts]

    def measure(self, texts: Sequence[str]) -> Measured:
        """What is measured of each text."""
        if new := [*{text: None for text in texts if text not in self._seen}]:
            found = self._measure(new)
            for i, text in enumerate(new):
                row = {name: column[i] for name, column in found.values.items()}
                self._seen[text] = row, frozenset(found.words[i])
        rows = [self._seen[text] for text in texts]
        names = rows[0][0] if rows else ()
        values = {name: [row[name] for row, _ in rows] for name in names}
        return Measured(values, [words for _, words in rows])


@dataclass(frozen=True)
class Posts:
    """Predictions, and where the truth is known, judgements in the same order."""

    predictions: Sequence[Prediction]
    judgements: Sequence[Judgement] = ()

    @classmethod
    def of(cls, known: Known, texts: Sequence[str], labels: Sequence[str] = ()) -> "Posts":
        """The texts with what the model says of them."""
        said = zip(texts, known.predict(texts), strict=True)
        predictions = [
            Prediction(Post.of_text(text), sentiment, known.info.id, NOW + timedelta(seconds=i))
            for i, (text, sentiment) in enumerate(said)
        ]
        judged = zip(predictions, labels, strict=bool(labels))
        return cls(predictions, [Judgement(p, Feedback(p.post.ref, t, NOW)) for p, t in judged])

    def some(self, chosen: Sequence[int]) -> "Posts":
        """Those at these places."""
        return Posts(
            [self.predictions[i] for i in chosen],
            [self.judgements[i] for i in chosen] if self.judgements else (),
        )


def read_posts(path: Path) -> list[str]:
    """Texts of at most 280 characters: of a table, or of a directory of fortunes."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix not in {".dat", ".u8"}]
        whole = "\n%\n".join(file.read_text("utf-8", "ignore") for file in files if file.is_file())
        parts = re.split(r"^%.*$", whole, flags=re.MULTILINE)
        texts = [" ".join(part.split()) for part in parts]
    else:
        texts = [*read_texts(path)]
    return [text for text in dict.fromkeys(texts) if 20 <= len(text) <= 280]
