"""Texts for load: as long as tweets, never twice the same, by Zipf's law."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving.texts import CATALOGUE, Lengths, Texts, popular

TEXTS = Texts(Lengths())


def test_lengths_are_those_of_tweets() -> None:
    lengths = [len(text) for text in islice(TEXTS.new(), 2000)]
    assert np.quantile(lengths, 0.1) == pytest.approx(74, abs=4)
    assert np.median(lengths) == pytest.approx(125, abs=4)
    assert np.quantile(lengths, 0.9) == pytest.approx(140, abs=3)


def test_lengths_can_be_a_files(tmp_path: Path) -> None:
    file = tmp_path / "posts.tsv"
    file.write_text("text\n" + "x" * 10 + "\n" + "x" * 20 + "\n")
    draw = random.Random(1)
    drawn = [Lengths.of(file).draw(draw) for _ in range(200)]
    assert min(drawn) >= 10
    assert max(drawn) <= 20


def test_a_text_has_exactly_the_length_that_is_asked_for() -> None:
    for length in (1, 7, 140, 100_000):
        assert len(TEXTS.of_length(length, random.Random(length))) == length


def test_new_texts_are_new() -> None:
    texts = list(islice(TEXTS.new(), 5000))
    assert len(set(texts)) > 4990


def test_a_number_always_means_the_same_text() -> None:
    assert Texts(Lengths())[7] == TEXTS[7]


def test_the_most_popular_post_is_asked_for_twice_as_often_as_the_second() -> None:
    counts = Counter(islice(popular(1), 200_000))
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.1)
    assert max(counts) < CATALOGUE
