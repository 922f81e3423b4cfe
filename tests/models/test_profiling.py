"""What is measured of texts, and the profile that a bundle keeps of it."""

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import BadInputError, BundleError
from sentiserve.models.bundle import MANIFEST, PROFILE, default_bundle, digest, open_bundle
from sentiserve.models.measures import Measures
from sentiserve.models.profiling import (
    FEWEST,
    load_reference,
    parse_profile,
    profile_of,
    read_profile,
    record_profile,
)
from sentiserve.profile import VERSION, Profile
from sentiserve.testing.fakes import FakeModel
from sentiserve.texts import MAX_CHARACTERS

MEASURE = Measures(open_bundle(default_bundle()))
TEXTS = [f"Number {i} of the texts that I wrote for this" + " and more" * (i % 9)
         for i in range(FEWEST)]  # fmt: skip


def test_a_text_is_measured() -> None:
    """Links, mentions, hashtags, emoji, language, length; words in buckets."""
    found = MEASURE(["@ana I love this one &amp; that! #Sun https://example.org/a 🎉🎉", "tschüss"])
    assert {name: values[0] for name, values in found.values.items()} == {
        "characters": 62,
        "links": 1,
        "emoji": 2,
        "hashtags": 1,
        "mentions": 1,
        "language": "English",
        "tokens": 13,
        "unknown": 1 / 13,
        "pieces": 0,
    }
    assert [len(words) for words in found.words] == [3, 1]  # love, this, that
    assert float(found.values["pieces"][1]) > 0.5


def test_the_case_of_a_word_does_not_count() -> None:
    """A topic is the same in capitals, and as a hashtag."""
    one, other, tag = MEASURE(["bitcoin", "BITCOIN", "#Bitcoin"]).words
    assert one == other == tag


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_texts_can_be_measured(texts: list[str]) -> None:
    """A value of each feature for each text."""
    found = MEASURE([text.encode("utf-8", "replace").decode() for text in texts])
    assert {len(values) for values in found.values.values()} == {len(texts)}
    assert len(found.words) == len(texts)


def test_the_longest_text_is_measured_by_its_beginning() -> None:
    """Its length counts whole; its tokens as far as the model reads."""
    found = MEASURE(["word " * (MAX_CHARACTERS // 5)])
    assert found.values["characters"] == [MAX_CHARACTERS]
    assert found.values["tokens"] == [128]


def test_a_profile_counts_each_text_once() -> None:
    """Every feature has as many posts; the confusion too, where the truth is known."""
    model = FakeModel()
    truth = [sentiment.label for sentiment in model.predict(TEXTS)]
    made = profile_of(model, MEASURE, [*TEXTS, *TEXTS], [*truth, *truth])
    assert made.posts == FEWEST
    assert {sum(feature.counts) for feature in made.features.values()} == {FEWEST}
    assert (
        sum(map(sum, made.confusion)) == sum(r[i] for i, r in enumerate(made.confusion)) == FEWEST
    )
    assert not profile_of(model, MEASURE, TEXTS).confusion


def test_too_few_texts_make_no_profile() -> None:
    """Copies don't count."""
    with pytest.raises(BadInputError, match=f"{FEWEST - 1} different texts are too few"):
        profile_of(FakeModel(), MEASURE, TEXTS[1:] * 2)


def test_a_profile_lies_in_the_bundle_and_leaves_the_model_id(bundle: Path) -> None:
    """The manifest has its digest; what was written is read back."""
    before = open_bundle(bundle)
    made = profile_of(FakeModel(), MEASURE, TEXTS)
    record_profile(before, made)
    after = open_bundle(bundle)
    assert after.manifest.model_id == before.manifest.model_id
    assert after.manifest.files[PROFILE] == digest(bundle / PROFILE)
    assert read_profile(after) == made


def test_a_profile_that_was_changed_is_refused(bundle: Path) -> None:
    """As every file of a bundle."""
    (bundle / PROFILE).write_bytes((bundle / PROFILE).read_bytes() + b" ")
    with pytest.raises(BundleError, match=f"{PROFILE} is not the file"):
        open_bundle(bundle)


def test_a_bundle_without_a_profile_has_none(bundle: Path) -> None:
    """It is whole all the same, and its texts can be measured."""
    manifest = msgspec.json.decode((bundle / MANIFEST).read_bytes())
    del manifest["files"][PROFILE]
    (bundle / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    (bundle / PROFILE).unlink()
    profile, measure = load_reference(open_bundle(bundle))
    assert profile is None
    assert measure(["a"]).values["characters"] == [1]


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff", b"{}", b'{"version":1}'])
def test_what_is_no_profile_is_refused(raw: bytes) -> None:
    """In one line that names the file."""
    with pytest.raises(BundleError, match="a file"):
        parse_profile(raw, "a file")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_refused(raw: bytes) -> None:
    """And nothing else happens."""
    with suppress(BundleError):
        assert isinstance(parse_profile(raw, "it"), Profile)


def test_the_bundled_model_has_a_profile_of_its_own() -> None:
    """Of this version, of this model, of the texts that its figures are of, without any text."""
    opened = open_bundle(default_bundle())
    made = read_profile(opened)
    assert made
    assert (made.version, made.model) == (VERSION, opened.manifest.model_id)
    assert opened.manifest.model_id == "76210da33a3cfea1"
    assert made.posts == opened.manifest.quality["texts"]
    right = sum(row[i] for i, row in enumerate(made.confusion))
    assert right / made.posts == pytest.approx(opened.manifest.quality["accuracy"], abs=1e-4)


def test_a_bundle_without_a_tokenizer_is_measured_by_its_texts_alone(bundle: Path) -> None:
    """An engine of one's own may have none."""
    opened = open_bundle(bundle)
    files = {name: of for name, of in opened.manifest.files.items() if name != "tokenizer.json"}
    bare = msgspec.structs.replace(opened.manifest, files=files)
    found = Measures(msgspec.structs.replace(opened, manifest=bare))(["a text"])
    assert "tokens" not in found.values
    assert found.values["characters"] == [6]
