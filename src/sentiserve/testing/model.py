"""What every model must do."""

# ruff: noqa: S101  # a contract is made of assertions

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import isclose
from weakref import WeakKeyDictionary

from sentiserve.protocols import Model
from sentiserve.texts import MAX_CHARACTERS
from sentiserve.types import Sentiment

_TOLERANCE = 1e-3  # of a score: what another batch, and so another order of sums, may change
_TEXTS = (
    "I love this!",
    "This is the worst day of my life.",
    "a",
    "🎉",
    "The meeting is at noon. " * 12,
    "¿Qué tal? Zażółć gęślą jaźń. 今日はいい天気ですね。",
    "@user see https://example.org/a?b=c #NotBad &amp; <b>more</b>\r\n\t\\ \x01",
    "so " * 90 + "good",
)
_made: WeakKeyDictionary[type["ModelContract"], Model] = WeakKeyDictionary()
_LONG = ("word " * MAX_CHARACTERS)[:MAX_CHARACTERS]


class ModelContract:
    """Proves a model; say how to make one in ``make_model``."""

    def make_model(self) -> Model:
        """A model of yours, ready to predict; called twice, for all the tests together."""
        raise NotImplementedError

    def _model(self) -> Model:
        suite = type(self)
        if suite not in _made:
            _made[suite] = self.make_model()
        return _made[suite]

    def test_says_what_it_is(self) -> None:
        """The model has a name, an id, at least two labels, and a limit."""
        info = self._model().info
        assert info.name
        assert info.id
        assert len(info.labels) == len(set(info.labels)) >= 2
        assert all(isinstance(label, str) and label for label in info.labels)
        assert info.max_tokens > 0

    def test_is_the_same_when_made_again(self) -> None:
        """The same model has the same id and says the same, however often it is made."""
        first, second = self._model(), self.make_model()
        assert first.info == second.info
        _assert_alike(second.predict(_TEXTS), first.predict(_TEXTS))

    def test_scores_are_a_distribution_over_the_labels(self) -> None:
        """Each label has its score, in the labels' order; together they make 1."""
        model = self._model()
        for sentiment in model.predict(_TEXTS):
            assert tuple(sentiment.scores) == model.info.labels
            assert all(0 <= score <= 1 for score in sentiment.scores.values())
            assert isclose(sum(sentiment.scores.values()), 1, abs_tol=1e-5)

    def test_the_label_has_the_highest_score(self) -> None:
        """The label is one of the model's, and none scores higher."""
        model = self._model()
        for sentiment in model.predict(_TEXTS):
            assert sentiment.label in model.info.labels
            assert sentiment.scores[sentiment.label] == max(sentiment.scores.values())

    def test_no_texts_no_sentiments(self) -> None:
        """An empty list gives an empty list."""
        assert list(self._model().predict([])) == []

    def test_a_text_scores_the_same_in_any_company(self) -> None:
        """Alone, repeated, before or behind others of any length: a text's scores are its own."""
        model = self._model()
        alone = [model.predict([text])[0] for text in _TEXTS]
        _assert_alike(model.predict(_TEXTS), alone)
        _assert_alike(model.predict(_TEXTS[::-1]), alone[::-1])
        _assert_alike(model.predict([_LONG, *_TEXTS])[1:], alone)
        for text, sentiment in zip(_TEXTS, alone, strict=True):
            _assert_alike(model.predict([text] * 5), [sentiment] * 5)

    def test_texts_are_told_apart(self) -> None:
        """Not every text has the same scores."""
        assert len({tuple(s.scores.values()) for s in self._model().predict(_TEXTS)}) > 1

    def test_a_long_text_is_truncated_and_says_so(self) -> None:
        """The longest text that the service takes is read as far as the model can, and no more."""
        short, long = self._model().predict([_TEXTS[0], _LONG])
        assert long.truncated
        assert not short.truncated

    def test_any_thread_may_call(self) -> None:
        """The thread that predicts need not be the one that made the model."""
        model = self._model()
        with ThreadPoolExecutor(1) as thread:
            there = thread.submit(model.predict, _TEXTS).result()
        _assert_alike(there, model.predict(_TEXTS))


def _assert_alike(found: Sequence[Sentiment], expected: Sequence[Sentiment]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.label == other.label
        assert one.truncated == other.truncated
        assert one.scores.keys() == other.scores.keys()
        for label, score in other.scores.items():
            assert isclose(one.scores[label], score, abs_tol=_TOLERANCE)
