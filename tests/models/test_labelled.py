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
