"""Labelled texts come from any table."""

from pathlib import Path

import pytest

from sentiserve.errors import BadInputError
from sentiserve.models.labelled import Labelled, read_labelled


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("d.tsv", 'label\ttext\na\t"quoted", it says\nb\ttwo\n'),
        ("d.csv", 'label,text\na,"""quoted"", it says"\nb,two\n'),
        (
            "d.jsonl",
            '{"label":"a","text":"\\"quoted\\", it says"}\n{"label":"b","text":"two"}\n',
        ),
    ],
)
def test_texts_and_labels_in_order(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    expected = Labelled(('"quoted", it says', "two"), ("a", "b"))
    assert read_labelled(tmp_path / name) == expected


@pytest.mark.parametrize(
    "content", ["", "label\ttext\n", "text\nonly\n", "label\ttext\na\t\n", "label\ttext\na\n"]
)
def test_a_row_without_text_or_label_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "d.tsv").write_text(content)
    with pytest.raises(BadInputError, match="d.tsv"):
        read_labelled(tmp_path / "d.tsv")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b"body,lab\na,b\n", "row 1: has no column text; it has body, lab"),
        (b"text,lab\na,b\n", "row 1: has no column label; it has text, lab"),
        (b"text,label\n,b\n", "row 1: the text is empty"),
        (b"text,label\na,b\na,\n", "row 2: the label is empty"),
        (b"text,label\n\xff,b\n", "row 1: .*not UTF-8"),
        (b"text,label\na,b,c\n", "row 1: has 3 fields, the header has 2"),
    ],
)
def test_what_a_row_lacks_is_said(tmp_path: Path, row: bytes, says: str) -> None:
    (tmp_path / "d.csv").write_bytes(row)
    with pytest.raises(BadInputError, match=rf"d\.csv, {says}"):
        read_labelled(tmp_path / "d.csv")


def test_a_label_that_is_a_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "fine", "label": 2}')
    with pytest.raises(BadInputError, match="the label is no text, but 2"):
        read_labelled(tmp_path / "d.jsonl")
